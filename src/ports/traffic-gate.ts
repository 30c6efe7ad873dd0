import type { Endpoint } from './network.ts'

/** Where clients of one route are sent. Absent target: connections are refused, nobody is sent anywhere. */
export interface GateRoute {
  readonly target?: Endpoint
  /** The epoch under which this route was set. */
  readonly epoch: number
}

/** Whether clients get in at all, wherever the gate leads. */
export interface GateDoor {
  readonly shut: boolean
  /** Told to whom is turned away, where the protocol has room for it. */
  readonly message: string
  /** What runs on the gate's own host gets in all the same. */
  readonly admitsOwnHost?: true
}

export interface GateSeen extends GateRoute {
  /** Absent while the door is open. */
  readonly shut?: true
}

/** The door through which clients reach a primary or an instance. Changing the target closes every session to the old one. */
export interface TrafficGate {
  readonly name: string
  observe(): Promise<GateSeen>
  /** Idempotent. Sessions to another target are closed before it resolves. Behind a shut door the route changes and nobody gets in. */
  route(route: GateRoute): Promise<void>
  /** Idempotent. A shut door lets nobody in from when it resolves; who is inside stays. */
  setDoor(door: GateDoor): Promise<void>
  /** Clients inside, except those that a shut door admits. */
  sessions(): Promise<number>
  /** Ends the sessions that `sessions` counts. */
  endSessions(): Promise<void>
}
