import { RecoveryError } from '../domain/recovery-error.ts'
import type { CommandContext } from './command-context.ts'
import type { DemoOptions } from './commands/start.ts'

export async function demonstrate(_context: CommandContext, _options: DemoOptions): Promise<void> {
  throw new RecoveryError({
    code: 'LAB_NOT_AVAILABLE',
    class: 'refused',
    message: 'this build has no lab',
    hint: '`pointzero simulate` runs the same procedures in the simulator',
  })
}
