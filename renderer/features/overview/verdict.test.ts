import { describe, expect, it } from 'vitest'
import { sampleLink, sampleStatus } from '../../testing/sample-status.ts'
import { verdictOf } from './verdict.ts'

const health = (impactsConnectivity: boolean) => ({
  code: 'keystore.keyfile',
  severity: 'warning' as const,
  title: 'The keystore is sealed by a key file',
  impactsConnectivity,
})

describe('the verdict', () => {
  it('is good only when every link is up', () => {
    expect(verdictOf(sampleStatus())).toEqual({
      tone: 'good',
      sentence: 'berlin is well: all 2 links are up.',
    })
    const one = sampleStatus({ links: [sampleLink('paris', 1)] })
    expect(verdictOf(one).sentence).toBe('berlin is well: its one link is up.')
  })

  it('does not call a node without links healthy', () => {
    expect(verdictOf(sampleStatus({ links: [] }))).toEqual({
      tone: 'unknown',
      sentence: 'berlin runs alone: it is linked to no other node.',
    })
  })

  it.each([
    ['degraded', 'attention'],
    ['suspect', 'attention'],
    ['down', 'bad'],
  ] as const)('counts a link that is %s as %s', (state, tone) => {
    const links = [sampleLink('paris', 1, { state }), sampleLink('oslo', 2)]
    expect(verdictOf(sampleStatus({ links }))).toEqual({ tone, sentence: '1 of 2 links is not well.' })
  })

  it('says that a node reaches nobody when every link is down', () => {
    const links = [sampleLink('paris', 1, { state: 'down' }), sampleLink('oslo', 2, { state: 'down' })]
    expect(verdictOf(sampleStatus({ links }))).toEqual({
      tone: 'bad',
      sentence: 'berlin reaches nobody: 2 of 2 links are down.',
    })
  })

  it('puts what cuts the connection before everything else', () => {
    expect(verdictOf(sampleStatus({ health: [health(true)] })).tone).toBe('bad')
    expect(verdictOf(sampleStatus({ health: [health(false)] }))).toEqual({
      tone: 'attention',
      sentence: 'The keystore is sealed by a key file.',
    })
  })

  it('is not spoilt by what is only worth knowing', () => {
    const info = { ...health(false), severity: 'info' as const }
    expect(verdictOf(sampleStatus({ health: [info] })).tone).toBe('good')
  })

  it('is not good while the node starts, or when the mesh has put it out', () => {
    const { node } = sampleStatus()
    expect(verdictOf(sampleStatus({ node: { ...node, state: 'starting' } })).tone).toBe('attention')
    expect(verdictOf(sampleStatus({ node: { ...node, state: 'revoked' } }))).toEqual({
      tone: 'bad',
      sentence: 'berlin is no longer a member: its certificate is revoked.',
    })
  })
})
