/** The same on every host of a lab: hosts have addresses of their own. */
export const labPorts = {
  postgres: 5432,
  ledgerGate: 6432,
  engine: 7000,
  ordersGate: 7001,
  controlPlane: 7400,
  agent: 7443,
} as const
