import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { commandGroup, connectedCommand, jsonCommand } from '../command-context.ts'
import type { CommonOptions } from '../command-context.ts'
import { collected } from '../parameters-option.ts'
import { exitCodes } from '../exit-code.ts'
import { paintFor } from '../render/paint.ts'

interface VerifyOptions extends CommonOptions {
  readonly key?: readonly string[]
  readonly keys?: string
  readonly ofEstate?: string
}

interface CollectOptions extends CommonOptions {
  readonly measurements?: string
  readonly out: string
}

export function evidenceCommand(context: CommandContext): Command {
  const evidence = commandGroup('evidence', 'what a run proved: verify, show or collect a bundle')
  evidence.addCommand(
    jsonCommand('verify', 'judge a bundle with keys that you give; nothing inside it is believed')
      .argument('<bundle>', 'the .json file')
      .option(
        '--key <id=key>',
        'a principal and its raw Ed25519 key in base64url; may be repeated',
        collected,
      )
      .option('--keys <file>', 'a file of keys: {"prn_x": "<key>"}, or a context file')
      .option('--of-estate <id>', 'refuse a bundle of another estate')
      .action(async (file: string, options: VerifyOptions) => verify(context, file, options)),
  )
  evidence.addCommand(
    jsonCommand('show', 'print what a bundle says, or write its page; does not verify')
      .argument('<bundle>', 'the .json file')
      .option('--html <file>', 'write the self-contained page instead')
      .action(async (file: string, options: { readonly json?: true; readonly html?: string }) => {
        await show(context, file, options)
      }),
  )
  evidence.addCommand(
    connectedCommand('collect', 'make a signed bundle of a run of this control plane')
      .argument('<run>', 'run id')
      .option('--measurements <file>', 'what clients saw; without it no objective is proven')
      .requiredOption('--out <file>', 'the bundle to write')
      .action(async (run: string, options: CollectOptions) => {
        const { collectEvidence } = await import('../collect-evidence.ts')
        await collectEvidence(context, run, options)
      }),
  )
  return evidence
}

async function verify(
  { terminal, end }: CommandContext,
  file: string,
  options: VerifyOptions,
): Promise<void> {
  const [
    { readBytes },
    { pinnedKeys },
    { verifyEvidence },
    { Ed25519Verifier },
    { kindOfRun },
    { runWords },
  ] = await Promise.all([
    import('../read-json.ts'),
    import('../pinned-keys.ts'),
    import('../../evidence/verify-evidence.ts'),
    import('../../platform/ed25519-signer.ts'),
    import('../../evidence/evidence-bundle.ts'),
    import('../../evidence/run-kind.ts'),
  ])
  const keys = await pinnedKeys(options.key ?? [], options.keys ?? terminal.environment['POINTZERO_CONTEXT'])
  const estate = options.ofEstate
  const pinned = estate === undefined ? { keys } : { keys, estate }
  const found = verifyEvidence(await readBytes(file), pinned, new Ed25519Verifier())
  if (!found.ok) end(exitCodes.failed)
  if (options.json === true) {
    const { ok: _, ...rest } = found
    terminal.write(
      `${JSON.stringify({ file, ok: found.ok, ...('bundle' in rest ? rest.bundle.head : rest) })}\n`,
    )
    return
  }
  const paint = paintFor(terminal)
  if (!found.ok) {
    terminal.write(
      `${file}: ${paint('red', 'NOT genuine')}: ${found.where} ${found.message} (${found.code})\n`,
    )
    return
  }
  const { procedure, scenario, run, status, signer } = found.bundle.head
  const kind = runWords[kindOfRun(found.bundle)]
  const what = `${kind} ${procedure} (${scenario}), run ${run} of ${found.bundle.head.estate}, ${status}`
  terminal.write(`${file}: ${paint('green', 'genuine')}: ${what}, signed by ${signer}\n`)
}

async function show(
  { terminal }: CommandContext,
  file: string,
  options: { readonly json?: true; readonly html?: string },
): Promise<void> {
  const [{ readJson }, { readBundle }] = await Promise.all([
    import('../read-json.ts'),
    import('../read-bundle.ts'),
  ])
  const bundle = readBundle(await readJson(file), file)
  if (options.html !== undefined) {
    const { writeFile } = await import('node:fs/promises')
    const { evidencePage } = await import('../../evidence/evidence-page.ts')
    await writeFile(options.html, evidencePage(bundle))
    terminal.note(`${options.html} written\n`)
    return
  }
  if (options.json === true) {
    terminal.write(`${JSON.stringify(bundle)}\n`)
    return
  }
  const { evidenceText } = await import('../render/evidence-text.ts')
  terminal.write(evidenceText(bundle, terminal.nowMs(), paintFor(terminal)))
  terminal.note('Shown as it is written; `pointzero evidence verify` says whether it is genuine.\n')
}
