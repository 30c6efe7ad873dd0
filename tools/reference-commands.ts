import type { Command } from 'commander'
import { buildProgram } from '../src/cli/command-line.ts'

const silent = {
  write: () => undefined,
  note: () => undefined,
  hasColour: false,
  environment: {},
  workingDirectory: '/',
  nowMs: () => 0,
  stop: new AbortController().signal,
}

/** docs/reference/commands.md, from the definitions that also make --help. */
export function commandsPage(): string {
  const program = buildProgram(silent, () => undefined)
  return [
    '# Commands',
    '',
    'Made from the program itself by `tools/gen-reference.ts`. Exit codes: [exit-codes.md](exit-codes.md).',
    'What `--json` prints: [json-output.md](json-output.md).',
    '',
    ...leaves(program).flatMap(([name, command]) => section(name, command)),
  ].join('\n')
}

/** `plan`, `evidence verify`, …: what may stand behind `pointzero` in a hint. */
export function commandNames(): readonly string[] {
  const names = leaves(buildProgram(silent, () => undefined)).map(([name]) => name.replace(/^pointzero /, ''))
  return [...names, 'help']
}

/** Long options of each command, `help` and `version` included: what may stand behind it in a hint. */
export function commandOptions(): ReadonlyMap<string, ReadonlySet<string>> {
  const known = leaves(buildProgram(silent, () => undefined)).map(([name, { options }]) => {
    const long = options.flatMap((option) => (option.long === undefined ? [] : [option.long]))
    return [name.replace(/^pointzero /, ''), new Set([...long, '--help'])] as const
  })
  return new Map(known)
}

function leaves(command: Command, prefix = 'pointzero'): readonly (readonly [string, Command])[] {
  return command.commands.flatMap((child) => {
    const name = `${prefix} ${child.name()}`
    return child.commands.length > 0 ? leaves(child, name) : [[name, child] as const]
  })
}

function section(name: string, command: Command): readonly string[] {
  const args = command.registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  )
  const rows = [
    ...command.registeredArguments.map((one) => [`\`${one.name()}\``, one.description]),
    ...command.options.map((one) => [
      `\`${one.flags}\``,
      `${one.description}${typeof one.defaultValue === 'string' ? ` (default: ${one.defaultValue})` : ''}${one.mandatory ? ' (required)' : ''}`,
    ]),
  ]
  return [
    `## ${name}`,
    '',
    '```',
    [name, ...args, '[options]'].join(' '),
    '```',
    '',
    sentence(command.description()),
    '',
    '| argument or option | meaning |',
    '| --- | --- |',
    ...rows.map(([first = '', second = '']) => `| ${first} | ${second.replaceAll('|', '\\|')} |`),
    '',
  ]
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}
