import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { commandGroup, jsonCommand } from '../command-context.ts'
import { collected } from '../parameters-option.ts'

interface Json {
  readonly json?: true
}

export interface VaultOptions extends Json {
  readonly store: string
  readonly estate?: string
  readonly pin?: string
  readonly atLeast?: string
}

export interface InitOptions extends VaultOptions {
  readonly out: string
  readonly recipient?: readonly string[]
}

export interface BackupOptions extends VaultOptions {
  readonly writer: string
  readonly component?: string
  readonly member?: string
  readonly host?: string
  readonly port?: string
  readonly user?: string
  readonly password?: string
  readonly tls?: string
  readonly tlsAuthority?: string
  readonly systemIdentifier?: string
  readonly newEpoch?: true
  readonly spread?: true
  readonly maxRate?: string
}

export interface VerifyOptions extends VaultOptions {
  readonly key?: string
  readonly writer?: string
  readonly component?: string
}

export interface RestoreOptions extends VaultOptions {
  readonly key: string
  readonly component?: string
  readonly into: string
  readonly owner?: string
}

export interface RewrapOptions extends VaultOptions {
  readonly key: string
  readonly writer: string
  readonly recipient: string
}

const reference = 'file:/absolute/path or env:NAME'

export function vaultCommand(context: CommandContext): Command {
  const vault = commandGroup('vault', 'the copies: make a vault, back up into it, list, verify, restore')
  vault.addCommand(initCommand(context))
  vault.addCommand(keyCommand(context))
  vault.addCommand(backupCommand(context))
  vault.addCommand(listCommand(context))
  vault.addCommand(verifyCommand(context))
  vault.addCommand(restoreCommand(context))
  vault.addCommand(rewrapCommand(context))
  return vault
}

function storeCommand(name: string, description: string): Command {
  return jsonCommand(name, description)
    .requiredOption(
      '--store <directory>',
      'where the vault lies: a directory, or the name of a store of the estate',
    )
    .option('--estate <file>', 'the estate that names the store or the component')
}

/** A command that reads a vault believes the writers of the pin, and nobody whom the vault itself names. */
function readingCommand(name: string, description: string): Command {
  return storeCommand(name, description)
    .requiredOption(
      '--pin <file>',
      'vault.pin.json of `pointzero vault init`: which vault, and whose manifests are believed',
    )
    .option(
      '--at-least <digest>',
      'refuse a vault that lacks this manifest: an older state was put in its place',
    )
}

function initCommand({ terminal }: CommandContext): Command {
  return storeCommand(
    'init',
    'make an empty directory a vault, with the keys of its writer and of whoever may restore',
  )
    .requiredOption(
      '--out <directory>',
      'where writer.json, vault.pin.json and recovery.pem go; nothing there is overwritten',
    )
    .option(
      '--recipient <key>',
      'the public half of a recovery key; may be repeated; without any, recovery.pem is made',
      collected,
    )
    .action(async (options: InitOptions) => {
      const { initVault } = await import('../vault-keys.ts')
      await initVault(terminal, options)
    })
}

function keyCommand({ terminal }: CommandContext): Command {
  return jsonCommand(
    'key',
    'make a recovery key: the private half goes into a file, the public half is printed',
  )
    .requiredOption('--out <file>', 'a file that does not exist yet')
    .action(async (options: Json & { readonly out: string }) => {
      const { makeKey } = await import('../vault-keys.ts')
      await makeKey(terminal, options.out, options.json === true)
    })
}

function backupCommand({ terminal }: CommandContext): Command {
  return storeCommand('backup', 'copy a running PostgreSQL into the vault, over the replication protocol')
    .requiredOption('--writer <reference>', `writer.json of \`pointzero vault init\`: ${reference}`)
    .option('--component <name>', 'component of the estate; with --host the name under which it is kept')
    .option('--member <name>', 'of the component (default: the one that is the primary)')
    .option('--host <address>', 'instead of a component of the estate')
    .option('--port <port>', 'with --host', '5432')
    .option('--user <name>', 'with --host: a role that may replicate', 'postgres')
    .option('--password <reference>', `with --host: ${reference}`)
    .option('--tls <policy>', 'disable, prefer, require or verify-full', 'prefer')
    .option('--tls-authority <file>', 'PEM; replaces the authorities of the system')
    .option('--system-identifier <number>', 'refuse any other database system')
    .option(
      '--new-epoch',
      'open an epoch, however young the last one is: nothing is shared with earlier snapshots',
    )
    .option('--spread', 'let the checkpoint take its time instead of writing everything at once')
    .option('--max-rate <kibPerSecond>', 'throttle the server: 32 to 1048576')
    .action(async (options: BackupOptions) => {
      const { backUp } = await import('../vault-backup.ts')
      await backUp(terminal, options)
    })
}

function listCommand(context: CommandContext): Command {
  return readingCommand('list', 'the snapshots of a vault; reads manifests only, needs no key').action(
    async (options: VaultOptions) => {
      const { listSnapshots } = await import('../vault-snapshots.ts')
      await listSnapshots(context, options)
    },
  )
}

function verifyCommand(context: CommandContext): Command {
  return readingCommand(
    'verify',
    'read a snapshot back and compare everything; names exactly what is damaged',
  )
    .argument('[snapshot]', '`latest`, `all` or an id', 'latest')
    .option(
      '--key <reference>',
      `a recovery key: ${reference}; without it stored bytes are compared with their digests`,
    )
    .option('--component <name>', 'of which `latest` is meant')
    .option('--writer <reference>', 'also sign a receipt that it was found whole')
    .action(async (snapshot: string, options: VerifyOptions) => {
      const { verifySnapshots } = await import('../vault-snapshots.ts')
      await verifySnapshots(context, snapshot, options)
    })
}

function restoreCommand({ terminal }: CommandContext): Command {
  return readingCommand(
    'restore',
    'write a snapshot into an empty directory, comparing every file; does not start it',
  )
    .argument('<snapshot>', '`latest` or an id')
    .requiredOption('--key <reference>', `a recovery key: ${reference}`)
    .requiredOption('--into <directory>', 'made when it is not there; refused when it is not empty')
    .option('--component <name>', 'of which `latest` is meant')
    .option('--owner <uid:gid>', 'whom the files belong to (needs root)')
    .action(async (snapshot: string, options: RestoreOptions) => {
      const { restore } = await import('../vault-restore.ts')
      await restore(terminal, snapshot, options)
    })
}

function rewrapCommand({ terminal }: CommandContext): Command {
  return readingCommand('rewrap', 'let one more recovery key open every snapshot; rewrites no copy')
    .requiredOption('--key <reference>', `a recovery key that opens the vault already: ${reference}`)
    .requiredOption('--writer <reference>', 'who signs it')
    .requiredOption('--recipient <key>', 'the public half of the new key')
    .action(async (options: RewrapOptions) => {
      const { rewrap } = await import('../vault-keys.ts')
      await rewrap(terminal, options)
    })
}
