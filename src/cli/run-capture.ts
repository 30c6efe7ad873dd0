import type { CaptureState } from '../capture/capture-state.ts'
import { captureConfigFormat } from '../domain/capture-config.ts'
import type { CaptureConfig } from '../domain/capture-config.ts'
import { CaptureProcess } from './compose-capture.ts'
import { protectionText } from './render/points-text.ts'
import { readConfig } from './read-config.ts'
import type { Terminal } from './terminal.ts'

/** Says every change of the state, as a line, until it is told to stop. */
export async function runCapture(terminal: Terminal, configFile: string, asJson: boolean): Promise<void> {
  const config = await readConfig<CaptureConfig>(configFile, captureConfigFormat)
  const say = (state: CaptureState): void =>
    terminal.write(asJson ? `${JSON.stringify(state)}\n` : `${protectionText(state)}\n`)
  const capture = await CaptureProcess.open(config, terminal.environment, say)
  const { promise, resolve } = Promise.withResolvers<void>()
  if (terminal.stop.aborted) resolve()
  terminal.stop.addEventListener('abort', () => resolve(), { once: true })
  try {
    // A receiver whose ledger can not be written would look protected and not be: the process ends, and its supervisor starts it again.
    await Promise.race([promise, capture.ended])
  } finally {
    await capture.close()
  }
}
