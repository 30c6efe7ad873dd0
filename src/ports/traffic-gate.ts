import type { Endpoint } from './network.ts'

/** Where clients of one route are sent. Absent target: connections are refused, nobody is sent anywhere. */
export interface GateRoute {
  readonly target?: Endpoint
  /** The epoch under which this route was set. */
  readonly epoch: number
}

/** The door through which clients reach a primary or an instance. Changing the target closes every session to the old one. */
export interface TrafficGate {
  readonly name: string
  observe(): Promise<GateRoute>
  /** Idempotent. Sessions to another target are closed before it resolves. */
  route(route: GateRoute): Promise<void>
}
