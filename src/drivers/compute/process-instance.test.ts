import assert from 'node:assert/strict'
import { execPath, kill } from 'node:process'
import { test } from 'node:test'
import { clock } from '../../../test/support/system-time.ts'
import { openProcessInstance } from './process-instance.ts'
import type { ProcessInstanceConfig } from './process-instance.ts'

function instance(script: string, more: Partial<ProcessInstanceConfig> = {}) {
  return openProcessInstance(
    {
      name: 'engine',
      command: [execPath, '-e', script, '{host}', '{port}'],
      host: '127.0.0.1',
      port: 4711,
      environment: { COLOUR: 'blue' },
      workingDirectory: '/',
      ...more,
    },
    clock,
  )
}

const stay = 'setInterval(() => {}, 1000)'

test('is ready when it says so, is started once, and stops', async () => {
  const lines: string[] = []
  const script = `console.log(process.argv.slice(1).join(':'), JSON.stringify(process.env.COLOUR), process.env.HOME);
    console.log('ready'); ${stay}`
  const engine = instance(script, { onLine: (line) => lines.push(line) })
  assert.deepEqual(await engine.observe(), { running: false, ready: false })
  await Promise.all([engine.start(), engine.start()])
  assert.deepEqual(await engine.observe(), { running: true, ready: true })
  assert.deepEqual(lines, ['127.0.0.1:4711 "blue" undefined'])
  await engine.stop()
  await engine.stop()
  assert.deepEqual(await engine.observe(), { running: false, ready: false })
})

test('notices that it died, and starts again', async () => {
  const engine = instance(`console.log('ready'); setTimeout(() => process.exit(3), 50)`)
  await engine.start()
  for (let waited = 0; (await engine.observe()).running; waited += 5) {
    assert.ok(waited < 5_000)
    await clock.sleep(5)
  }
  await engine.start()
  await engine.stop()
})

test('does not leave one half alive that never becomes ready', async () => {
  const engine = instance(stay, { startTimeoutMs: 200 })
  await assert.rejects(engine.start(), { code: 'COMPUTE_NOT_READY', class: 'transient' })
  assert.deepEqual(await engine.observe(), { running: false, ready: false })
  await assert.rejects(instance('process.exit(1)').start(), { code: 'COMPUTE_NOT_READY' })
  await assert.rejects(instance('', { command: ['/nonexistent'] }).start(), { code: 'COMPUTE_NOT_READY' })
})

test('stops one that ignores SIGTERM, with what it started', async () => {
  let child = 0
  const script = `const { spawn } = require('node:child_process')
    process.on('SIGTERM', () => {})
    const child = spawn('/bin/sleep', ['60'])
    console.log(child.pid); console.log('ready'); ${stay}`
  const engine = instance(script, { onLine: (line) => (child = Number(line)) })
  await engine.start()
  assert.ok(child > 0)
  const start = clock.monotonicMs()
  await engine.stop()
  assert.ok(clock.monotonicMs() - start < 4_000)
  for (let waited = 0; alive(child); waited += 5) {
    assert.ok(waited < 1_000, 'its child is gone')
    await clock.sleep(5)
  }
})

function alive(pid: number): boolean {
  try {
    kill(pid, 0)
    return true
  } catch {
    return false // ESRCH
  }
}
