import { jsonAsPerson } from './lab-command.ts'
import type { LabNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'

/** As two people do it: the operator asks for a plan (`wish`: the procedure and its options), another person approves it. Returns its hash. */
export async function approvedPlan(
  { state, network }: { readonly state: LabState; readonly network: LabNetwork },
  wish: readonly string[],
  reason: string,
): Promise<string> {
  const { hash } = await jsonAsPerson<{ readonly hash: string }>(state, network, 'operator', [
    'plan',
    ...wish,
  ])
  await jsonAsPerson(state, network, 'approver', ['approve', hash, '--reason', reason])
  return hash
}
