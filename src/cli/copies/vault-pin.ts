import { requireFormat } from '../../domain/format.ts'
import { readJson } from '../read-json.ts'
import type { VaultPin } from '../vault-access.ts'

/** Of an agent's configuration: an absolute path. */
export async function readPin(file: string): Promise<VaultPin> {
  const pin = (await readJson(file)) as unknown as VaultPin
  requireFormat('vaultPin', pin.format, file)
  return pin
}
