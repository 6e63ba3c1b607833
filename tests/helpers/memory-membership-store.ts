import type { InviteId, JoinId } from '../../node-core/domain/ids.ts'
import type {
  CertificateRow,
  CertificateStore,
  HeadRow,
  HeadStore,
  InviteRow,
  InviteStore,
  JoinRow,
  JoinStore,
  MembershipStore,
  MetaStore,
  NodeRecordRow,
  NodeRecordStore,
  PolicyRow,
  PolicyStore,
  RevocationRow,
  RevocationStore,
} from '../../node-core/mesh/membership/store-port.ts'

/** The membership store in memory: what a restart keeps is whatever holds on to the object. */
export function createMemoryMembershipStore(): MembershipStore {
  return {
    certificates: certificateStore(),
    revocations: revocationStore(),
    heads: headStore(),
    policies: policyStore(),
    invites: inviteStore(),
    joins: joinStore(),
    nodeRecords: nodeRecordStore(),
    meta: metaStore(),
  }
}

function certificateStore(): CertificateStore {
  const rows = new Map<string, CertificateRow>()
  return {
    put: (row) => void rows.set(`${row.peer}/${row.rank}`, row),
    remove(peer) {
      for (const [key, row] of rows) if (row.peer === peer) rows.delete(key)
    },
    all: () => [...rows.values()],
  }
}

function revocationStore(): RevocationStore {
  const rows = new Map<string, RevocationRow>()
  return {
    append(row) {
      const key = `${row.issuer}/${row.hash}`
      if (rows.has(key)) return false
      rows.set(key, row)
      return true
    },
    all: () =>
      [...rows.values()].sort((a, b) =>
        a.issuer === b.issuer ? a.seq - b.seq : a.issuer < b.issuer ? -1 : 1,
      ),
  }
}

function headStore(): HeadStore {
  const rows = new Map<string, HeadRow>()
  return {
    put(row) {
      const old = rows.get(row.issuer)
      if (old && (row.seq < old.seq || (row.seq === old.seq && row.at <= old.at))) return false
      rows.set(row.issuer, row)
      return true
    },
    all: () => [...rows.values()],
  }
}

function policyStore(): PolicyStore {
  const rows: PolicyRow[] = []
  return {
    append(row) {
      if (row.version <= (rows.at(-1)?.version ?? 0)) return false
      rows.push(row)
      return true
    },
    latest: () => rows.at(-1),
    history: (limit) => rows.toReversed().slice(0, limit),
  }
}

function inviteStore(): InviteStore {
  const rows = new Map<InviteId, InviteRow>()
  return {
    create: (row) => void rows.set(row.id, row),
    get: (id) => rows.get(id),
    list: () => [...rows.values()].sort((a, b) => b.createdAt - a.createdAt),
    redeem(id, use) {
      const row = rows.get(id)
      if (row === undefined) return 'unknown'
      if (row.use !== undefined) return row.use.keysHash === use.keysHash ? 'repeated' : 'taken'
      rows.set(id, { ...row, use })
      return 'committed'
    },
    complete(id, chain) {
      const row = rows.get(id)
      if (row?.use === undefined || row.chain !== undefined) return false
      rows.set(id, { ...row, chain })
      return true
    },
    remove: (id) => void rows.delete(id),
  }
}

function joinStore(): JoinStore {
  const rows = new Map<JoinId, JoinRow>()
  return {
    create(row) {
      if (rows.has(row.id) || [...rows.values()].some((other) => other.invite === row.invite)) return false
      rows.set(row.id, row)
      return true
    },
    get: (id) => rows.get(id),
    byInvite: (invite) => [...rows.values()].find((row) => row.invite === invite),
    list: () => [...rows.values()].sort((a, b) => a.requestedAt - b.requestedAt),
    decide(id, state, atMs) {
      const row = rows.get(id)
      if (row?.state !== 'pending') return false
      rows.set(id, { ...row, state, decidedAt: atMs })
      return true
    },
    remove: (id) => void rows.delete(id),
  }
}

function nodeRecordStore(): NodeRecordStore {
  const rows = new Map<string, NodeRecordRow>()
  return {
    put(row) {
      const old = rows.get(row.peer)
      const newer =
        old === undefined ||
        row.incarnation > old.incarnation ||
        (row.incarnation === old.incarnation && row.seq > old.seq)
      if (newer) rows.set(row.peer, row)
      return newer
    },
    remove: (peer) => void rows.delete(peer),
    all: () => [...rows.values()],
  }
}

function metaStore(): MetaStore {
  const rows = new Map<string, string>()
  return { get: (key) => rows.get(key), set: (key, value) => void rows.set(key, value) }
}
