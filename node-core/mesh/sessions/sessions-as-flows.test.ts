import { describeFlowTransport } from '../../../tests/helpers/flow-transport-suite.ts'
import { createSessionNetwork } from '../../../tests/helpers/session-networks.ts'

describeFlowTransport('sessions over libp2p', createSessionNetwork)
