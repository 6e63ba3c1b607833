/** What the demo says, and how it shows what a person would type. */
export const say = (text = ''): void => console.log(text)
export const act = (title: string): void => say(`\n${title}\n${'='.repeat(title.length)}`)
export const step = (number: number, text: string): void => say(`\n${number}. ${text}`)
export const shown = (node: string, command: string): void => say(`   ${node} $ ${command}`)
