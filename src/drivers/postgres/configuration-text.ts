import { quoteConfigurationValue } from './quoting.ts'

const line = /^\s*([A-Za-z_][\w.$]*)\s*(?:=\s*|\s)\s*(?:'((?:[^'\\]|''|\\.)*)'|([^\s'#]*))\s*(?:#.*)?$/su

/** The value that a configuration text gives a setting; the last line wins. `undefined` when it gives none. */
export function settingIn(text: string, name: string): string | undefined {
  let value: string | undefined
  for (const row of text.split('\n')) {
    const match = line.exec(row)
    if (match?.[1]?.toLowerCase() !== name) continue
    value = match[2]?.replaceAll("''", "'").replaceAll(/\\(.)/gsu, '$1') ?? match[3] ?? ''
  }
  return value
}

/** The text with exactly one line for the setting, at its end. Every other line stays as it is. */
export function withSetting(text: string, name: string, value: string): string {
  const others = text.split('\n').filter((row) => row !== '' && line.exec(row)?.[1]?.toLowerCase() !== name)
  return `${[...others, `${name} = ${quoteConfigurationValue(value)}`].join('\n')}\n`
}
