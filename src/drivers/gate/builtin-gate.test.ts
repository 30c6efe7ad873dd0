import { describe } from 'node:test'
import { gateContract } from '../../../test/support/gate-contract.ts'
import { clock } from '../../../test/support/system-time.ts'
import { openBuiltinGate } from './builtin-gate.ts'

describe('built-in gate', () => {
  gateContract(
    async () => await openBuiltinGate({ name: 'door', listen: { address: '127.0.0.1', port: 0 } }, clock),
  )
})
