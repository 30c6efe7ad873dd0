import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

// Threads that wait for a disk must not keep others from decompressing, nor a restore an agent from its own files: four are few.
// Read when the pool is first used, so it is said before anything else.
process.env['UV_THREADPOOL_SIZE'] ??= '16'
// Buffers outside the heap count with the heap. Else every 32 MiB of them begin a collection of the whole heap, which is a third of what a backup
// costs: its bytes only pass through. Known to V8 14 (Node 26); a test asks whether the pinned Node still knows it. Not for a capture, which runs for
// months and is to stay small.
if (process.argv[2] !== 'capture') setFlagsFromString('--external-memory-accounted-in-global-limit')
// Not in the shared directory for temporary files: whoever made that one first could put compiled code there for us to run.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/compile'))
// After the cache is on, or nothing of this would come from it.
const { runCommandLine } = await import('./command-line.ts')
const { processTerminal } = await import('./process-terminal.ts')

const terminal = processTerminal()
process.exitCode = await runCommandLine(process.argv.slice(2), terminal)
// What was under way when somebody stopped us is not waited for.
if (terminal.stop.aborted) process.exit()
