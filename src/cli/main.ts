import { enableCompileCache } from 'node:module'

enableCompileCache()
// After the cache is on, or nothing of this would come from it.
const { runCommandLine } = await import('./command-line.ts')
const { processTerminal } = await import('./process-terminal.ts')

const exitCode = await runCommandLine(process.argv.slice(2), processTerminal())
process.exitCode = exitCode
