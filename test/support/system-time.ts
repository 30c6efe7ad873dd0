import { SystemClock } from '../../src/platform/system-clock.ts'

export const clock = new SystemClock()
