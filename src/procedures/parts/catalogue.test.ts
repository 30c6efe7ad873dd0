import assert from 'node:assert/strict'
import { test } from 'node:test'
import { automaticProcedureNamed, procedures } from './catalogue.ts'

test('a standing approval is signed for what the control plane begins by itself, and refused where it would allow nothing', () => {
  const automatic = ['zone-failover', 'reprotect']
  for (const { name } of procedures) {
    if (automatic.includes(name)) assert.equal(automaticProcedureNamed(name).name, name)
    else
      assert.throws(() => automaticProcedureNamed(name), {
        code: 'APPROVAL_STANDING_UNUSED',
        class: 'refused',
      })
  }
  assert.throws(() => automaticProcedureNamed('failover'), { code: 'PROCEDURE_UNKNOWN' })
})
