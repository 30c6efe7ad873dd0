import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleBundle, sampleParts, samplePlan } from '../../test/integration/sample-evidence.ts'
import { evidencePage } from './evidence-page.ts'

const page = evidencePage(sampleBundle())

test('the page needs nothing from elsewhere and runs nothing', () => {
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|\son[a-z]+=|\bsrc=|\bhref=|url\(|@import|https?:/i)
  assert.match(page, /default-src 'none'/)
})

test('text from an estate or a person is never markup', () => {
  const hostile = '<script>alert(1)</script>"\'&'
  const principals = [{ id: 'prn_approver1', name: hostile, publicKey: 'AA', roles: ['approver'] }] as const
  const shown = evidencePage(sampleBundle({ principals, plan: { ...samplePlan, procedure: hostile } }))
  assert.ok(!shown.includes('<script'))
  assert.ok(shown.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;'))
})

test('a drill and a real run differ in words and in looks', () => {
  const drill = evidencePage(sampleBundle({ plan: { ...samplePlan, mode: 'drill' } }))
  assert.match(page, /<body class="real">\n<p class="banner">REAL/)
  assert.match(drill, /<body class="drill">\n<p class="banner">DRILL/)
})

test('a real run in a lab does not claim that production was changed', () => {
  const environment = { ...sampleParts().environment, place: 'lab' } as const
  const lab = evidencePage(sampleBundle({ environment }))
  assert.match(lab, /<body class="lab">\n<p class="banner">LAB/)
  assert.doesNotMatch(lab, /production was changed/)
  // A drill stays a drill, in a lab as well.
  assert.match(evidencePage(sampleBundle({ environment, plan: { ...samplePlan, mode: 'drill' } })), /DRILL/)
})

test('every table has a caption and headings, and the timeline has a text', () => {
  assert.equal(page.match(/<table>/g)?.length, page.match(/<table><caption>/g)?.length)
  assert.match(page, /<svg role="img" viewBox="0 0 960 90" aria-label="Recovery time 9000 ms: detect 4000 ms/)
})
