import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type CliHome, createCliHome } from '../../../tests/helpers/cli-process.ts'
import { GLOBAL_OPTIONS } from '../program.ts'
import { COMMANDS } from '../run.ts'
import { complete } from './complete.ts'
import { COMPLETION_SCRIPTS } from './scripts.ts'

const offered = (...words: readonly string[]): readonly string[] => {
  const completion = complete(COMMANDS, GLOBAL_OPTIONS, words)
  return completion.kind === 'words' ? completion.words.map(({ value }) => value) : [completion.kind]
}

describe('what can follow', () => {
  it('is a command, or the second word of one', () => {
    expect(offered('st')).toEqual(['status'])
    expect(offered('lab', 'b')).toEqual(['blackhole'])
    expect(offered('--home', '/tmp/x', 'unex')).toEqual(['unexpose'])
  })

  it('is an option of the command, or one of all commands', () => {
    expect(offered('invite', '--')).toEqual(
      expect.arrayContaining(['--role', '--approve', '--json', '--help']),
    )
    expect(offered('invite', '--ro')).toEqual(['--role'])
    expect(offered('status', '--ro')).toEqual([])
  })

  it('is a value that the option or the argument takes', () => {
    expect(offered('invite', '--role', 'o')).toEqual(['operator'])
    expect(offered('-o', 'json')).toEqual(['json', 'json-line'])
    expect(offered('join', '--token-file', '')).toEqual(['files'])
    expect(offered('ping', '')).toEqual(['names'])
    expect(offered('ping', 'boris', '')).toEqual([])
    expect(offered('completion', 'z')).toEqual(['zsh'])
  })

  it('is nothing after words that mean nothing', () => {
    expect(offered('nonsense', 'more', '')).toEqual([])
  })
})

describe('completion', () => {
  let home: CliHome
  beforeEach(() => {
    home = createCliHome()
  })
  afterEach(async () => {
    await home.stop()
  })

  it('offers the names that the running node knows, and none when it does not run', async () => {
    expect(await home.run(['__complete', 'ping', ''])).toEqual({ code: 0, stdout: '', stderr: '' })
    await home.serve()
    const { stdout } = await home.run(['__complete', 'ping', 's'])
    expect(stdout).toMatch(/^server\ta node/)
  })

  it('works in a real bash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'x0t-bash-'))
    try {
      const main = new URL('../main.ts', import.meta.url).pathname
      writeFileSync(join(folder, 'x0t'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, {
        mode: 0o755,
      })
      writeFileSync(join(folder, 'completion'), COMPLETION_SCRIPTS.bash)
      const script = `source "$1/completion"
COMP_WORDS=(x0t invite --role "")
COMP_CWORD=3
_x0t_complete
(IFS=,; echo "\${COMPREPLY[*]}")`
      const out = execFileSync('bash', ['-c', script, 'bash', folder], {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, X0T_HOME: folder },
      })
      expect(out).toBe('admin,operator,viewer,none\n')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('documents', () => {
  let home: CliHome
  beforeEach(() => {
    home = createCliHome()
  })
  afterEach(async () => {
    await home.stop()
  })

  it('come as JSON in one line or as YAML too, errors and their exit codes included', async () => {
    await home.serve()
    const json = await home.run(['status', '--json'])
    const line = await home.run(['-o', 'json-line', 'status'])
    const yaml = await home.run(['status', '--output=yaml'])
    expect(line.stdout.trimEnd()).not.toContain('\n')
    expect(Object.keys(JSON.parse(line.stdout))).toEqual(Object.keys(JSON.parse(json.stdout)))
    expect(parse(yaml.stdout).node).toEqual(JSON.parse(json.stdout).node)
    const wrong = await home.run(['-o', 'yaml', 'ping'])
    expect([wrong.code, parse(wrong.stdout).error.code]).toEqual([2, 'USAGE'])
    const format = await home.run(['-o', 'xml', 'status'])
    expect([format.code, JSON.parse(format.stdout).error.message]).toEqual([
      2,
      expect.stringContaining('json, json-line, yaml'),
    ])
  })
})
