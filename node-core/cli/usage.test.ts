import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliHome, createCliHome, documentOf } from '../../tests/helpers/cli-process.ts'
import { errorDocumentSchema } from '../contract/errors.ts'
import { PRODUCT_VERSION } from '../contract/version.ts'
import { FaultError } from '../platform/error.ts'
import { parseCommandLine } from './program.ts'
import { COMMANDS } from './run.ts'

/** What the command line makes of words, without a process. */
function usageErrorOf(...argv: string[]): string {
  try {
    parseCommandLine(COMMANDS, argv)
    return ''
  } catch (error) {
    if (error instanceof FaultError && error.code === 'USAGE') return error.message
    throw error
  }
}

function helpOf(...argv: string[]): string {
  const parsed = parseCommandLine(COMMANDS, argv)
  return parsed.kind === 'text' ? parsed.text : ''
}

describe('help', () => {
  it('has every command of the product', () => {
    expect(COMMANDS.map(({ name }) => name).sort()).toEqual(
      [
        'init up down invite join approve reject revoke leave status peers ping',
        'expose unexpose services forward unforward socks unsocks wait version routes trace netcheck completion',
      ]
        .join(' ')
        .split(' ')
        .concat(
          'up status cut blackhole oneway delay loss throttle flap heal kill stop cont restart down'
            .split(' ')
            .map((verb) => `lab ${verb}`),
        )
        .concat('list show ack note silence resolve'.split(' ').map((verb) => `incidents ${verb}`))
        .concat('list show verify export'.split(' ').map((verb) => `audit ${verb}`))
        .concat(
          'authority export',
          'authority remove',
          'authority rotate',
          'authority import',
          'keystore reseal',
          'recover',
        )
        .concat('backup', 'restore', 'alert list', 'alert test', 'metrics', 'log level', 'bugreport')
        .concat('issuer grant', 'member set')
        .concat(
          'status pause resume undo'.split(' ').map((verb) => `heal ${verb}`),
          'why',
        )
        .concat(
          'list show test save remove enable disable mode forget'
            .split(' ')
            .map((verb) => `playbook ${verb}`),
        )
        .concat(
          'show validate export import history diff rollback'.split(' ').map((verb) => `config ${verb}`),
        )
        .concat('console', 'service install', 'service uninstall', 'service status', 'can', 'flags')
        .concat('show test diff apply history rollback'.split(' ').map((verb) => `policy ${verb}`))
        .concat('series list', 'series show', 'slo')
        .sort(),
    )
  })

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    'of %s shows an example that the command line takes',
    (name, command) => {
      const [first = '', second] = name.split(' ')
      const helps =
        second === undefined
          ? [helpOf(first, '--help'), helpOf('help', first)]
          : [helpOf(first, second, '--help'), helpOf(first, 'help', second)]
      for (const help of helps) {
        expect(help).toMatch(/^Examples?:\n {2}(ssh laptop x0t invite \| )?x0t /m)
        expect(help).toContain('--json')
      }
      for (const example of command.examples) {
        const words = example.replace(/^.*\| /, '').replace(/ > .*$/, '')
        const argv = (words.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''))
        expect(argv.shift()).toBe('x0t')
        expect(parseCommandLine(COMMANDS, argv)).toMatchObject({ kind: 'run', command: { name } })
      }
    },
  )

  it('is shown for the program, and the version too', () => {
    expect(helpOf('--help')).toMatch(/Exit codes: 0 done, 1 failed or unhealthy, 2 wrong usage/)
    expect(helpOf('--version')).toBe(PRODUCT_VERSION)
  })
})

describe('a wrong command line', () => {
  it('is told what was meant', () => {
    expect(usageErrorOf('stauts')).toBe("unknown command 'stauts' (Did you mean status?)")
    expect(usageErrorOf('invite', '--rol', 'x')).toBe("unknown option '--rol' (Did you mean --role?)")
  })

  it('is told what is missing or too much', () => {
    expect(usageErrorOf()).toBe('a command is missing')
    expect(usageErrorOf('ping')).toMatch(/missing required argument 'node'/)
    expect(usageErrorOf('ping', 'a', 'b')).toMatch(/too many arguments/)
    expect(usageErrorOf('expose', 'web', '--to')).toMatch(/'--to <host:port>' argument missing/)
  })

  it('does not take an option for a name, nor a name for an option', () => {
    expect(usageErrorOf('ping', '-x')).toBe("unknown option '-x'")
    expect(usageErrorOf('ping', '--home')).toMatch(/argument missing/)
    expect(parseCommandLine(COMMANDS, ['ping', '--', '-x'])).toMatchObject({ words: { node: '-x' } })
    expect(parseCommandLine(COMMANDS, ['ping', '--', '--json'])).toMatchObject({ words: { node: '--json' } })
  })

  it('takes global options before and after the command', () => {
    for (const argv of [
      ['--home', '/h', '--timeout', '5s', 'status'],
      ['status', '--home', '/h', '--timeout=5s'],
    ]) {
      expect(parseCommandLine(COMMANDS, argv)).toMatchObject({ globals: { home: '/h', timeout: '5s' } })
    }
  })
})

describe('exit code 2', () => {
  let home: CliHome

  beforeEach(() => {
    home = createCliHome()
  })

  afterEach(async () => {
    await home.stop()
  })

  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['ping', '--', '-rf'], '<node> must be a node name or a peer id'],
    [['ping', 'server', '-c', '0'], '--count must be from 1 to 100000'],
    [['ping', 'server', '-c', '1e3'], '--count must be a whole number'],
    [['invite', '--role', 'king'], '--role must be one of owner, admin, operator, viewer, none'],
    [['invite', '--expires', '10'], "--expires '10' has no unit"],
    [['invite', '--expires', '1000d'], '--expires must be from 1m to 30d'],
    [['expose', 'web'], '--to is missing'],
    [['expose', 'web', '--to', 'nowhere'], '--to must be HOST:PORT'],
    [['expose', 'web', '--to', 'a:80', '--check', 'http://a/'], '--check must be tcp or http:/path'],
    [['expose', 'Web', '--to', 'a:80'], '<name> must be a service name'],
    [['forward', '8080'], '[service] is missing'],
    [['forward', '99999', 'web'], '[port] must be from 0 to 65535'],
    [['forward', '80', 'web@'], '[service] must be a node name'],
    [['wait'], '--for must be linked or ready'],
    [['status', '--check', 'alive'], '--check must be live or ready'],
    [['approve', 'inv-0123456789abcdef'], '[id] must be a join id'],
    [['init', '--mesh', 'home'], '--name is missing'],
    [['init', '--mesh', ' ', '--name', 'n'], '--mesh must be 1 to 63 characters'],
    [['init', '--mesh', 'a\u001b[2J', '--name', 'n'], '--mesh must be 1 to 63 characters'],
    [['init', '--mesh', 'My mesh', '--name', 'My node'], '--name must be a node name'],
    [['join', '--name', 'n'], 'the token is missing'],
    [['join', 'x0t1short', '--name', 'n'], 'that is not a whole invite token'],
    [['join', 'x0t1', '--token-file', 'f', '--name', 'n'], 'the token is given twice'],
    [['up', '--listen', '0.0.0.0:4001'], '--listen must be a multiaddr'],
    [['status', '--timeout', 'soon'], "--timeout 'soon' expected a duration"],
    [['status', '--home', ''], '--home must name a directory'],
    [['lab'], 'a command is missing'],
    [['lab', 'up'], '--topology is missing'],
    [['lab', 'up', '--topology', 'ring:6', '--seed', 'x'], '--seed must be a whole number'],
    [['lab', 'up', '--topology', 'ring:6', '--name', '../x'], '--name must be a node name'],
    [['lab', 'cut', 'n1'], "missing required argument 'b'"],
    [['lab', 'delay', 'n1', 'n2', '40'], "<time> '40' has no unit"],
    [['lab', 'loss', 'n1', 'n2', '5'], '<share> must be a percentage such as 5%'],
    [['lab', 'loss', 'n1', 'n2', '99%'], '<share> must be at most 95%'],
    [['lab', 'throttle', 'n1', 'n2', 'slow'], '<rate> must be bytes per second'],
    [['lab', 'heal', 'n1'], '[b] is missing'],
  ] as const)('%j', async (argv, message) => {
    const json = await home.run([...argv.slice(0, 1), '--json', ...argv.slice(1)])
    const { error } = documentOf(errorDocumentSchema, json)
    expect(error.message).toContain(message)
    expect(error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--help') })
    expect(json).toMatchObject({ code: 2, stderr: '' })
  })

  it('is the same without --json, with nothing on stdout', async () => {
    const plain = await home.run(['invite', '--role', 'king'])
    expect(plain).toMatchObject({ code: 2, stdout: '' })
    expect(plain.stderr).toBe(
      'x0t: --role must be one of owner, admin, operator, viewer, none\nSee x0t invite --help.\n',
    )
  })

  it('never repeats what may be a token', async () => {
    const { stderr } = await home.run(['join', 'x0t1-nearly-a-secret\u0001', '--name', 'n'])
    expect(stderr).not.toContain('nearly')
  })
})
