// Writes the pages of docs/reference that are made from the program itself. `--check` writes nothing and fails when one is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { referencePages } from './reference-pages.ts'

const root = join(import.meta.dirname, '..')
const isCheck = process.argv.includes('--check')
let stale = 0
for (const { path, text } of referencePages(root)) {
  const file = join(root, path)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  stale += 1
  if (!isCheck) writeFileSync(file, text)
  process.stdout.write(`${path}: ${isCheck ? 'stale; run node tools/gen-reference.ts' : 'written'}\n`)
}
process.exitCode = isCheck && stale > 0 ? 1 : 0
