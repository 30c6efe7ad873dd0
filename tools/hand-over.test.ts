import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'

const launcher = join(import.meta.dirname, 'hand-over.mjs')
const root = join(import.meta.dirname, '..')

/** What a program that the launcher starts says. */
function started(text: string, environment: NodeJS.ProcessEnv = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'pointzero-launched-'))
  try {
    const program = join(directory, 'program.mjs')
    writeFileSync(program, text)
    const start = `import(${JSON.stringify(launcher)}).then(({ handOver }) => handOver(${JSON.stringify(relative(root, program))}, ['a b']))`
    const { PATH } = process.env
    const ended = spawnSync(process.execPath, ['-e', start], {
      encoding: 'utf8',
      env: { PATH, ...environment },
    })
    assert.equal(ended.status, 7, ended.stderr)
    return ended.stdout
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const says = `process.stdout.write([process.argv[2], process.env.MALLOC_ARENA_MAX].join()); process.exitCode = 7`

test('a program gets its arguments, its exit code back, and two arenas unless somebody wants another number', () => {
  assert.equal(started(says), 'a b,2')
  assert.equal(started(says, { MALLOC_ARENA_MAX: '8' }), 'a b,8')
})
