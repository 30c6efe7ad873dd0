import type { ResolvedPoint } from '../ports/kept-copies.ts'
import { clusterNamed } from '../estate/estate-lookup.ts'
import { procedureNamed } from '../procedures/parts/catalogue.ts'
import type { Connection } from './connection.ts'
import type { PlanOrder } from './make-plan.ts'
import { proposedPlan } from './proposed-plan.ts'
import { pointText } from './render/point-text.ts'
import type { Terminal } from './terminal.ts'

type Order = Omit<PlanOrder, 'mode'> & { readonly approve?: string }

/**
 * `--param target=…` becomes the one place in the WAL that it means now, as parameters of the plan: what is approved is that place. With
 * `--approve` it is the place that was approved; resolving it again could choose a newer snapshot.
 */
export async function resolvedOrder<Given extends Order>(
  terminal: Terminal,
  connection: Connection,
  order: Given,
): Promise<Given> {
  const target = valueOf(order.param ?? [], 'target')
  const names = procedureNamed(order.procedure).parameters.map(({ name }) => name)
  if (target === undefined || !names.includes('lsn')) return order
  const others = (order.param ?? []).filter((text) => nameOf(text) !== 'target')
  const approved = order.approve === undefined ? undefined : await proposedPlan(connection, order.approve)
  if (approved !== undefined && approved.parameters['target'] === target) {
    const param = Object.entries(approved.parameters).map(([name, value]) => `${name}=${value}`)
    return { ...order, param }
  }
  const cluster = clusterNamed(connection.estate, valueOf(order.param ?? [], 'cluster'))
  const point = await connection.resolveTarget(cluster.id, target)
  terminal.note(pointText(point))
  return { ...order, param: [...others, `target=${target}`, ...parametersOf(point)] }
}

function parametersOf(point: ResolvedPoint): readonly string[] {
  return [
    `lsn=${point.lsn}`,
    `inclusive=${point.inclusive ? 'yes' : 'no'}`,
    `timeline=${point.timeline}`,
    `snapshot=${point.snapshot}`,
    `reached=${point.reached}`,
    `commits-after=${point.undoneCommits}`,
  ]
}

function valueOf(given: readonly string[], name: string): string | undefined {
  const found = given.find((text) => nameOf(text) === name)
  return found?.slice(name.length + 1)
}

function nameOf(text: string): string {
  return text.slice(0, Math.max(text.indexOf('='), 0))
}
