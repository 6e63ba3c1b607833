/** The arrows of ARCHITECTURE.md: what each layer may import, everything else is refused. */
const LAYERS = {
  platform: [],
  domain: [],
  contract: ['domain'],
  knowledge: ['domain', 'platform'],
  security: ['domain', 'platform'],
  'noise-hfs': ['platform'],
  mesh: ['noise-hfs', 'security', 'domain', 'platform'],
  services: ['security', 'domain', 'platform'],
  mapek: ['domain', 'platform'],
  control: ['contract', 'security', 'domain', 'platform'],
  app: [
    'control',
    'mapek',
    'services',
    'mesh',
    'noise-hfs',
    'security',
    'knowledge',
    'contract',
    'domain',
    'platform',
  ],
  cli: ['contract', 'domain', 'platform'],
  // A user of nodes: it starts their programs and talks to them with the same code as the command line.
  lab: ['app', 'cli/client', 'cli/entries', 'control', 'security', 'contract', 'domain', 'platform'],
}

const layerRules = Object.entries(LAYERS).map(([layer, allowed]) => ({
  name: `layer-${layer}`,
  comment: `node-core/${layer} may import ${allowed.length === 0 ? 'no other layer' : allowed.join(', ')}`,
  severity: 'error',
  from: { path: `^node-core/${layer}/`, pathNot: '\\.test\\.ts$' },
  to: {
    path: '^(node-core|electron|renderer|tests|scripts)/',
    pathNot: [layer, ...allowed].map((name) => `^node-core/${name}/`),
  },
}))

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'no-circular',
      comment: 'A cycle means that two files are one, or that a third is missing.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contract-and-domain-stay-portable',
      comment: 'The renderer uses contract and domain in a browser: no Node built-ins there.',
      severity: 'error',
      from: { path: '^node-core/(contract|domain)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'faces-know-the-contract-only',
      comment:
        'electron/ and renderer/ reach a node through the contract; the desktop starts it as the CLI does.',
      severity: 'error',
      from: { path: '^(electron|renderer)/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^node-core/', pathNot: '^node-core/(contract|domain|platform|cli/client|cli/entries)/' },
    },
    {
      name: 'renderer-knows-no-platform',
      comment: 'platform uses Node; the CLI and the desktop use it to find the control socket of a home.',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^node-core/(platform|cli)/' },
    },
    {
      name: 'renderer-and-electron-are-apart',
      comment: 'They run in processes of their own and share the contract alone.',
      severity: 'error',
      from: { path: '^(electron|renderer)/' },
      to: { path: '^(electron|renderer)/', pathNot: '^$1/' },
    },
    {
      name: 'features-know-no-transport',
      comment: 'Only renderer/bridge knows how a node is reached.',
      severity: 'error',
      from: { path: '^renderer/(app|features|ui)/' },
      to: { path: '^@orpc/|node_modules/@orpc/' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(node-core|electron|renderer)/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^(tests|scripts)/' },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that cannot be resolved is one that no rule can judge.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // The canary breaks a rule on purpose; scripts/checks.ts runs it by itself.
    exclude: { path: '^(dist|release|tests/architecture/canary)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
