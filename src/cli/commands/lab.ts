import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export function labCommand(_context: CommandContext): Command {
  return jsonCommand('lab', 'a real estate on this machine, to try things')
}
