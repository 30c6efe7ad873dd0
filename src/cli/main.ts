import { enableCompileCache } from 'node:module'

enableCompileCache()
// After the cache is on, or nothing of this would come from it.
const { runCommandLine } = await import('./command-line.ts')
const { processTerminal } = await import('./process-terminal.ts')

const terminal = processTerminal()
process.exitCode = await runCommandLine(process.argv.slice(2), terminal)
// What was under way when somebody stopped us is not waited for.
if (terminal.stop.aborted) process.exit()
