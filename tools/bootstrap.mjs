// `node tools/bootstrap.mjs <script> [args]`: installs what package-lock.json names, if that changed since the last
// time, then runs the script under the pinned Node. It stands in for npm's pre-scripts, which ignore-scripts turns off. The npm scripts
// say `exec`, because npm passes a signal on to its shell only, and the shell does not.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { handOver, root } from './hand-over.mjs'

const stampFile = join(root, 'node_modules', '.pointzero-lock-sha256')

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

function isInstalled(digest) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === digest
}

/** Below npm we use the npm that started us; `npm ci` deletes node_modules, so never the Node inside it. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env
  const isOutside = node !== undefined && !node.startsWith(join(root, 'node_modules'))
  return npm !== undefined && isOutside ? [node, npm] : ['npm']
}

function install(digest) {
  process.stderr.write(
    'pointzero: installing dependencies (npm ci, only when package-lock.json changed) ...\n',
  )
  const [command, ...args] = npmCommand()
  const result = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0) {
    const reason = result.error?.message ?? `exit code ${result.status ?? result.signal}`
    process.stderr.write(`pointzero: npm ci failed (${reason}).\nRun: cd ${root} && npm ci\n`)
    process.exit(1)
  }
  writeFileSync(stampFile, `${digest}\n`)
}

const [script, ...args] = process.argv.slice(2)
if (script === undefined) {
  process.stderr.write('usage: node tools/bootstrap.mjs <script> [args]\n')
  process.exit(2)
}
const digest = lockDigest()
if (!isInstalled(digest)) install(digest)
handOver(script, args)
