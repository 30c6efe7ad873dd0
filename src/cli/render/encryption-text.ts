import type { ControlPlaneStatus } from '../../server/status-wire.ts'
import type { Paint } from './paint.ts'

/** What goes over the network in the clear, and certificates that somebody has to look after. Nothing when all is well. */
export function encryptionText({ hosts }: ControlPlaneStatus, component: string, paint: Paint): string {
  const lines = hosts.flatMap(({ host, view }) =>
    (view?.members ?? [])
      .filter((member) => member.component === component)
      .flatMap(({ observation: { certificate, standbys = [] } }) => {
        const open = standbys.filter(({ encrypted }) => encrypted === false).map(({ name }) => name)
        const clear = `replication from ${host} to ${[...new Set(open)].join(', ')} is not encrypted`
        return [
          ...(open.length === 0 ? [] : [`${clear}: give every member \`tls\` (docs/operate/security.md)`]),
          ...(certificate?.problem === undefined ? [] : [`certificate on ${host}: ${certificate.problem}`]),
        ]
      }),
  )
  return lines.map((line) => `  ${paint('yellow', line)}\n`).join('')
}
