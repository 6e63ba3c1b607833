import { createContext } from 'react'
import type { Bridge } from '../bridge/line.ts'

export const BridgeContext = createContext<Bridge>({
  open: async () => ({ kind: 'lost', problem: { code: 'NODE_NOT_REACHED', message: '', hint: '' } }),
})
