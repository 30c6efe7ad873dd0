/** Where a command reads its surroundings and writes its answer. Tests pass another one. */
export interface Terminal {
  /** The answer. With --json one JSON document, or one a line while something goes on. */
  readonly write: (text: string) => void
  /** Progress, warnings and errors for people. */
  readonly note: (text: string) => void
  readonly hasColour: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly nowMs: () => number
  /** Aborted by Ctrl-C or SIGTERM. The second one ends the process at once. */
  readonly stop: AbortSignal
}
