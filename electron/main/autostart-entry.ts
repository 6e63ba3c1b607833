/** The XDG autostart entry. Arguments are quoted as the Desktop Entry Specification says. */
export function autostartEntry(program: string, args: readonly string[]): string {
  if (/[\n\r\0]/.test(program))
    throw new Error('a path with the end of a line in it cannot be started at login')
  const quoted = [program, ...args].map(
    (word) => `"${word.replace(/(["`$\\])/g, '\\$1').replaceAll('%', '%%')}"`,
  )
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=x0tta6bl4',
    `Exec=${quoted.join(' ')}`,
    'Terminal=false',
    '',
  ].join('\n')
}
