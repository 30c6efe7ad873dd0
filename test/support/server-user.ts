import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses root, so that the tests drop to another user where they run as root. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const account =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody')
  assert.ok(account, 'there is neither a user postgres nor nobody')
  return { uid: Number(account[2]), gid: Number(account[3]) }
}
