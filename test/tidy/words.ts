import { at } from './source-file.ts'
import type { Node, Problem, SourceFile } from './source-file.ts'

const replacements: ReadonlyMap<string, string> = new Map([
  ['master', 'primary'],
  ['masters', 'primaries'],
  ['slave', 'standby'],
  ['slaves', 'standbys'],
  ['replica', 'standby'],
  ['replicas', 'standbys'],
])

/** GLOSSARY.md: some words of others are not ours. Checked in identifiers; the names of other people's fields are theirs. */
export function wordProblems(file: SourceFile): readonly Problem[] {
  if (!file.path.startsWith('src/')) return []
  const speaksForOthers = /^src\/(drivers|protocol)\//.test(file.path)
  return file.nodes.flatMap((node) => {
    if (node.type !== 'Identifier' || (speaksForOthers && isFieldName(node))) return []
    const word = camelWords(String(node['name'])).find((part) => replacements.has(part))
    if (word === undefined) return []
    return [`${at(file, node)}: "${node['name']}": the word is ${replacements.get(word)}, see GLOSSARY.md`]
  })
}

function isFieldName(node: Node): boolean {
  const { parent } = node
  return parent?.['key'] === node || (parent?.type === 'MemberExpression' && parent['property'] === node)
}

function camelWords(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_$]+/)
}
