import { membershipStoreCompliance } from './membership-store-compliance.ts'
import { createMemoryMembershipStore } from './memory-membership-store.ts'

membershipStoreCompliance('the store in memory', () => ({
  store: createMemoryMembershipStore(),
  close: () => {},
}))
