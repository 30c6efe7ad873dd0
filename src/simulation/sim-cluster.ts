import type { PostgresComponent, PostgresMember } from '../estate/estate.ts'
import { assert } from '../domain/recovery-error.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import { ClientHistory } from './client-history.ts'
import type { Counters } from './counters.ts'
import type { EventLoop } from './event-loop.ts'
import { ClusterInvariants } from './invariants.ts'
import type { MemberDriverSetting } from './sim-database-member.ts'
import type { RecoverySetting } from './sim-database-recovery.ts'
import type { SimHost } from './sim-host.ts'
import type { SimLinks } from './sim-links.ts'
import { SimPostgres } from './sim-postgres.ts'
import type { PostgresWitness } from './sim-postgres.ts'
import type { SimKeptWal } from './sim-kept-wal.ts'
import type { SimRandom } from './sim-random.ts'
import { nextRecord } from './wal-record.ts'

const firstCanary = 1_000_000

export interface ClusterSetting {
  readonly loop: EventLoop
  readonly links: SimLinks
  readonly random: SimRandom
  readonly counters: Counters
  readonly component: PostgresComponent | undefined
  readonly hostNamed: (name: string) => SimHost
  readonly broken: (error: unknown) => void
  readonly derailed: (standby: string, upstream: string) => void
  /** The leader record as it is in the control store now. */
  readonly leader: () => LeaderRecord | undefined
  /** Where the copies are kept, in an estate that has such a host. */
  readonly keptWal: () => SimKeptWal | undefined
}

/** The modelled database cluster of an estate, with the history of what was promised to whom. */
export class Cluster {
  readonly component: PostgresComponent
  readonly servers: readonly SimPostgres[]
  readonly history = new ClientHistory()
  readonly invariants: ClusterInvariants
  readonly driverSetting: MemberDriverSetting
  readonly recoverySetting: RecoverySetting
  #canary = firstCanary

  constructor(setting: ClusterSetting) {
    const { loop, links, random, counters, component, hostNamed, broken } = setting
    assert(component !== undefined, 'the estate has a cluster')
    this.component = component
    const guarded = (check: () => void): void => {
      try {
        check()
      } catch (error) {
        broken(error)
      }
    }
    const servers: SimPostgres[] = []
    const witness: PostgresWitness = {
      acknowledged: (server, record) => guarded(() => this.invariants.acknowledged(server, record)),
      promoted: (server) => guarded(() => this.invariants.promoted(server)),
      derailed: (server, upstream) => setting.derailed(server.name, upstream.name),
    }
    for (const { name, host, port } of component.members) {
      const place = { name, host: hostNamed(host), port }
      servers.push(new SimPostgres({ loop, links, random, servers, witness }, place))
    }
    this.servers = servers
    this.invariants = new ClusterInvariants({
      servers,
      history: this.history,
      counters,
      now: () => loop.nowUs,
      leader: setting.leader,
      cluster: component,
      isArchived: (record) => setting.keptWal()?.holds(record) === true,
    })
    this.recoverySetting = {
      loop,
      random: random.fork('recoveries'),
      copies: new Map(),
      keptWal: () => setting.keptWal(),
      restored: (wal, isToEnd) =>
        guarded(() =>
          this.invariants.restored(wal, isToEnd, (record) => setting.keptWal()?.holds(record) === true),
        ),
      undone: (position, kept) => guarded(() => this.invariants.undone(position, kept)),
    }
    this.driverSetting = {
      loop,
      links,
      random: random.fork('member drivers'),
      servers,
      nextCanary: () => {
        this.#canary += 1
        return this.#canary
      },
    }
  }

  membersOn(host: string): readonly { readonly member: PostgresMember; readonly server: SimPostgres }[] {
    return this.component.members
      .filter((member) => member.host === host)
      .map((member) => ({ member, server: this.server(member.id) }))
  }

  /** By id or name. */
  server(member: string): SimPostgres {
    const found = this.component.members.find(({ id, name }) => id === member || name === member)
    const server = this.servers.find(({ name }) => name === found?.name)
    assert(server !== undefined, `${member} is a member`)
    return server
  }

  /** Servers and directories of every member are gone at once. */
  destroyData(): void {
    for (const server of this.servers) {
      server.kill()
      server.directory.wipe()
    }
  }

  /** The first member holds a database that nobody looks after yet; the others are empty. */
  initialise(): void {
    const [first] = this.servers
    assert(first !== undefined, 'the cluster has members')
    first.directory.systemIdentifier = '7000000000000000001'
    for (let index = 0; index < 3; index += 1)
      first.directory.append([nextRecord(first.wal, 1, 0)], first.directory)
  }
}
