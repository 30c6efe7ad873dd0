import { RecoveryError } from '../domain/recovery-error.ts'
import { readJson } from './read-json.ts'

/** A configuration file of a process. Its members are believed: it comes from `pointzero setup` or the lab, mode 0600. */
export async function readConfig<T extends { readonly format: string }>(
  file: string,
  format: T['format'],
): Promise<T> {
  const config = (await readJson(file)) as unknown as Partial<T> | null
  if (config?.format === format) return config as T
  throw new RecoveryError({
    code: 'FORMAT_UNKNOWN',
    class: 'refused',
    message: `${file}: format ${JSON.stringify(config?.format) ?? 'absent'} is not ${format}`,
    hint: 'write a new one with `pointzero setup`, or use the release that wrote it (`pointzero --version`)',
  })
}
