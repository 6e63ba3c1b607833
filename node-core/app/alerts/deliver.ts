import { join } from 'node:path'
import type { Clock } from '../../platform/clock.ts'
import type { ChannelSettings } from '../config/alert-schema.ts'
import { COMMAND_FILE, readCommandFile, runOperatorCommand } from '../mapek/operator-commands.ts'
import { type AlertMessage, documentOf } from './alert-text.ts'
import { postSlack, postTelegram } from './channels/chat.ts'
import { postDatadog, postSplunk } from './channels/collectors.ts'
import { notTold } from './delivery-fault.ts'
import { postWebhook } from './webhook.ts'

export interface DeliverDeps {
  readonly clock: Clock
  /** Of the home. */
  readonly root: string
}

/** Sends one message by one channel, once. @throws FaultError NOTIFY_FAILED, COMMAND_..., KEYSTORE_EXPOSED */
export async function deliver(
  { clock, root }: DeliverDeps,
  channel: ChannelSettings,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  const now = clock.now()
  switch (channel.kind) {
    case 'webhook':
      return postWebhook(channel, documentOf(message, now), now, signal)
    case 'command':
      return runDeclared(
        clock,
        root,
        channel.command,
        `${JSON.stringify(documentOf(message, now))}\n`,
        signal,
      )
    case 'email': {
      // The library for mail is some hundred KB that only a node with such a channel needs.
      const { sendEmail } = await import('./channels/email.ts')
      return sendEmail(channel, message, signal)
    }
    case 'slack':
      return postSlack(channel, message, signal)
    case 'telegram':
      return postTelegram(channel, message, signal)
    case 'splunk':
      return postSplunk(channel, message, now, signal)
    case 'datadog':
      return postDatadog(channel, message, now, signal)
  }
}

async function runDeclared(
  clock: Clock,
  root: string,
  name: string,
  input: string,
  signal: AbortSignal,
): Promise<void> {
  const { commands } = await readCommandFile(join(root, COMMAND_FILE))
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined)
    throw notTold(`the command ${name}`, `${COMMAND_FILE} declares none of this name`, { retry: false })
  await runOperatorCommand(clock, name, command, input, signal)
}
