/** What can happen; objectives are stated for each of these separately. */
export const scenarios = ['component-loss', 'zone-loss', 'region-loss', 'corruption', 'estate-loss'] as const
export type Scenario = (typeof scenarios)[number]
