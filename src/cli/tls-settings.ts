import type { CaptureConfig } from '../domain/capture-config.ts'
import type { TlsSettings } from '../protocol/postgres-startup.ts'
import { readBytes } from './read-json.ts'

/** As a configuration says it, with the authorities read; without a word: encrypted where the server can. */
export async function tlsSettings(config: CaptureConfig['tls']): Promise<TlsSettings> {
  const { policy = 'prefer', serverName, certificateAuthoritiesFile: file } = config ?? {}
  return {
    policy,
    ...(serverName === undefined ? {} : { serverName }),
    ...(file === undefined
      ? {}
      : { certificateAuthorities: new TextDecoder().decode(await readBytes(file)) }),
  }
}
