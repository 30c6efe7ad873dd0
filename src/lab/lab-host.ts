/** The places of the lab's estate: three zones of one region, and outside of them the control plane's host, the vault's, and a client. */
export const labHostNames = ['az1', 'az2', 'az3', 'ctl', 'vlt', 'client'] as const
export type LabHostName = (typeof labHostNames)[number]

export const zoneHostNames = ['az1', 'az2', 'az3'] as const satisfies readonly LabHostName[]
export type ZoneHostName = (typeof zoneHostNames)[number]

export interface LabHost {
  readonly name: LabHostName
  readonly address: string
}

const lastOctets: Readonly<Record<LabHostName, number>> = {
  az1: 11,
  az2: 12,
  az3: 13,
  ctl: 20,
  vlt: 25,
  client: 30,
}

/** The machine itself on the lab's bridge: where a person's browser and the tests come from. */
export const machineOctet = 254

export function labHosts(subnet: string): readonly LabHost[] {
  return labHostNames.map((name) => ({ name, address: `${subnet}.${lastOctets[name]}` }))
}

export function isLabHostName(text: string): text is LabHostName {
  return (labHostNames as readonly string[]).includes(text)
}
