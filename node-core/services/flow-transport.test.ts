import { FLOW_NETWORKS } from '../../tests/helpers/flow-networks.ts'
import { describeFlowTransport } from '../../tests/helpers/flow-transport-suite.ts'

for (const [name, create] of FLOW_NETWORKS) describeFlowTransport(name, create)
