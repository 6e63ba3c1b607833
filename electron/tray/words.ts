/** What the tray, its menu, the menu of the app and the notifications say, in the language of the system. */

export interface Words {
  readonly starting: string
  readonly stopped: string
  readonly down: (why: string) => string
  readonly noMesh: string
  readonly noMember: (name: string, mesh: string, state: string) => string
  readonly faults: (count: number) => string
  readonly noLinks: string
  readonly links: (up: number, all: number) => string
  readonly approvals: (count: number) => string
  readonly paused: string
  readonly incidents: string
  readonly pendingApprovals: string
  readonly none: string
  readonly more: (count: number) => string
  readonly resume: string
  readonly pause: string
  readonly openConsole: string
  readonly startNode: string
  readonly quitBoth: string
  readonly quit: string
  readonly fault: string
  readonly warning: string
  readonly approvalWanted: string
  readonly recovered: string
  readonly moreChanges: (count: number) => string
  readonly seeConsole: string
  readonly menuNode: string
  readonly menuGo: string
  readonly menuNotifications: string
  readonly startAtLogin: string
  readonly pages: readonly [string, string, string, string, string]
  readonly choices: readonly [string, string, string, string]
  readonly quiet: string
  readonly quietNever: string
  readonly quietHours: (from: number, to: number) => string
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

export const ENGLISH: Words = {
  starting: 'The node is starting',
  stopped: 'The node is stopped',
  down: (why) => `The node is down: ${why}`,
  noMesh: 'The node belongs to no mesh yet',
  noMember: (name, mesh, state) => `${name} is no member of ${mesh} any more (${state})`,
  faults: (count) => plural(count, 'fault'),
  noLinks: 'no links',
  links: (up, all) => `${up} of ${plural(all, 'link')} up`,
  approvals: (count) => `${plural(count, 'approval')} wanted`,
  paused: 'healing is paused',
  incidents: 'Incidents',
  pendingApprovals: 'Pending approvals',
  none: 'none',
  more: (count) => `${count} more`,
  resume: 'Resume healing',
  pause: 'Pause healing',
  openConsole: 'Open console',
  startNode: 'Start the node now',
  quitBoth: 'Quit and stop the node',
  quit: 'Quit',
  fault: 'Fault',
  warning: 'Warning',
  approvalWanted: 'Your approval is wanted',
  recovered: 'Recovered',
  moreChanges: (count) => `${count} more changes`,
  seeConsole: 'See the console.',
  menuNode: 'Node',
  menuGo: 'Go',
  menuNotifications: 'Notifications',
  startAtLogin: 'Start at login',
  pages: ['Overview', 'Topology', 'Nodes', 'Services', 'Settings'],
  choices: ['Critical faults', 'Warnings', 'Approvals that are wanted', 'Recoveries'],
  quiet: 'Quiet hours, except for critical faults',
  quietNever: 'Never',
  quietHours: (from, to) => `${from}:00 to ${to}:00`,
}

const form = (count: number, one: string, few: string, many: string): string => {
  const category = new Intl.PluralRules('ru').select(count)
  return `${count} ${category === 'one' ? one : category === 'few' ? few : many}`
}

const RUSSIAN: Words = {
  starting: 'Узел запускается',
  stopped: 'Узел остановлен',
  down: (why) => `Узел не работает: ${why}`,
  noMesh: 'Узел пока не входит ни в какую сеть',
  noMember: (name, mesh, state) => `${name} больше не участник ${mesh} (${state})`,
  faults: (count) => form(count, 'неполадка', 'неполадки', 'неполадок'),
  noLinks: 'каналов нет',
  links: (up, all) => `работает ${up} из ${form(all, 'канала', 'каналов', 'каналов')}`,
  approvals: (count) => `${form(count, 'решение', 'решения', 'решений')} за вами`,
  paused: 'самолечение на паузе',
  incidents: 'Инциденты',
  pendingApprovals: 'Ждут решения',
  none: 'нет',
  more: (count) => `ещё ${count}`,
  resume: 'Продолжить самолечение',
  pause: 'Приостановить самолечение',
  openConsole: 'Открыть консоль',
  startNode: 'Запустить узел',
  quitBoth: 'Выйти и остановить узел',
  quit: 'Выйти',
  fault: 'Неполадка',
  warning: 'Предупреждение',
  approvalWanted: 'Нужно ваше решение',
  recovered: 'Снова работает',
  moreChanges: (count) => `Ещё изменений: ${count}`,
  seeConsole: 'Подробности в консоли.',
  menuNode: 'Узел',
  menuGo: 'Переход',
  menuNotifications: 'Уведомления',
  startAtLogin: 'Запускать при входе в систему',
  pages: ['Обзор', 'Топология', 'Узлы', 'Сервисы', 'Настройки'],
  choices: ['Критические неполадки', 'Предупреждения', 'Нужные решения', 'Восстановления'],
  quiet: 'Тихие часы, кроме критических неполадок',
  quietNever: 'Никогда',
  quietHours: (from, to) => `с ${from}:00 до ${to}:00`,
}

/** @param locale of the system, `ru-RU`; what is not translated is English */
export const wordsFor = (locale: string): Words =>
  locale.toLowerCase().split(/[-_]/)[0] === 'ru' ? RUSSIAN : ENGLISH
