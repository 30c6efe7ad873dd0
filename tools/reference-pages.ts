import { readSources } from '../test/tidy/source-file.ts'
import { commandsPage } from './reference-commands.ts'
import { errorNotes } from './reference-error-notes.ts'
import { errorEntries } from './reference-errors.ts'
import type { ErrorEntry } from './reference-errors.ts'

export interface ReferencePage {
  readonly path: string
  readonly text: string
}

export function referencePages(root: string): readonly ReferencePage[] {
  return [
    { path: 'docs/reference/commands.md', text: commandsPage() },
    { path: 'docs/reference/errors.md', text: errorsPage(documentedErrors(root)) },
  ]
}

/** Every code with its class and what to do. */
export function documentedErrors(root: string): readonly ErrorEntry[] {
  return errorEntries(readSources(root, ['src'])).map((entry) => ({ ...entry, ...errorNotes[entry.code] }))
}

const classMeanings = [
  ['transient', 'nothing happened; the executor tries again within the step’s policy', 1],
  ['unknown-outcome', 'it may have happened; the executor looks before anything else', 1],
  ['refused', 'nothing happened, and nothing will until a person decides', 3],
  ['permanent', 'it can not work; the executor goes to the compensation', 1],
  ['invalid-estate', 'the declaration or the command line is wrong; nothing was started', 2],
  ['bug', 'an invariant of the product is broken; the process stops, the run journal survives', 1],
] as const

function errorsPage(entries: readonly ErrorEntry[]): string {
  return [
    '# Errors',
    '',
    'Made from the source by `tools/gen-reference.ts`. `…` stands for what is filled in. The class decides what the',
    'executor does and how the command ends; a few codes end it otherwise, see [exit-codes.md](exit-codes.md).',
    '',
    '| class | meaning | exit code |',
    '| --- | --- | --- |',
    ...classMeanings.map(([name, meaning, exitCode]) => `| ${name} | ${meaning} | ${exitCode} |`),
    '',
    '| code | class | message | what to do |',
    '| --- | --- | --- | --- |',
    ...entries.map(({ code, classes, messages, hints }) => {
      return `| <a id="${code}"></a>\`${code}\` | ${classes.join(', ')} | ${cell(messages)} | ${cell(hints)} |`
    }),
    '',
  ].join('\n')
}

function cell(texts: readonly string[]): string {
  return texts
    .map((text) => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;'))
    .join(' · ')
}
