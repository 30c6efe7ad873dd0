import { randomInt } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import { mustRun } from './run-command.ts'

/** The first three octets of a /24 below 10.0.0.0/8 that no address or route of this machine touches. */
export async function freeSubnet(
  pick: (bound: number) => number = (bound) => randomInt(bound),
): Promise<string> {
  const [addresses, routes] = [
    await mustRun(['ip', '-4', '-o', 'addr', 'show']),
    await mustRun(['ip', '-4', 'route', 'show', 'table', 'all']),
  ]
  const used = [...`${addresses}\n${routes}`.matchAll(/\b(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?/g)]
    .map(([, address = '', length]) => ({ address, length: Number(length ?? 32) }))
    .filter(({ length }) => length > 0)
  for (let attempt = 0; attempt < 200; attempt++) {
    const subnet = `10.${pick(256)}.${pick(256)}`
    if (!used.some((block) => overlaps(subnet, block))) return subnet
  }
  throw new RecoveryError({
    code: 'LAB_NO_SUBNET',
    class: 'permanent',
    message: 'no free /24 was found below 10.0.0.0/8',
    hint: 'run it with `--network loopback`, or end other labs: `pointzero lab down --all`',
  })
}

/** The /24 of `subnet` and the block share an address. */
export function overlaps(
  subnet: string,
  block: { readonly address: string; readonly length: number },
): boolean {
  const shift = 32 - Math.min(24, block.length)
  return toNumber(`${subnet}.0`) >>> shift === toNumber(block.address) >>> shift
}

/** For labs on loopback addresses: nothing else listens there. */
export function loopbackSubnet(pick: (bound: number) => number = (bound) => randomInt(bound)): string {
  return `127.${1 + pick(254)}.${pick(256)}`
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
}
