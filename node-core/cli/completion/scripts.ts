/** Each script hands the words typed so far to `x0t __complete`, so that what can follow is decided in one place. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof SHELLS)[number]

/** Printed by `__complete` in place of words: the shell completes paths. */
export const FILES_MARK = ':files'

const BASH = `# x0t: completion for bash. Load it with: source <(x0t completion bash)
_x0t_complete() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    if [[ $line == '${FILES_MARK}' ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      compopt -o filenames 2>/dev/null
      return
    fi
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _x0t_complete x0t
`

const ZSH = `#compdef x0t
# x0t: completion for zsh. Load it with: source <(x0t completion zsh)
_x0t() {
  local -a values
  local line
  for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ $line == '${FILES_MARK}' ]] && { _files; return }
    [[ -n $line ]] && values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe 'x0t' values
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _x0t x0t
`

const FISH = `# x0t: completion for fish. Load it with: x0t completion fish | source
function __x0t_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        if test "$line" = '${FILES_MARK}'
            __fish_complete_path (commandline -ct)
            return
        end
        echo $line
    end
end
complete -c x0t -f -a '(__x0t_complete)'
`

const POWERSHELL = `# x0t: completion for PowerShell. Load it with: x0t completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName x0t -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $typed = if ($wordToComplete -eq '') { '""' } else { $wordToComplete }
  $rest = @($words | Select-Object -Skip 1) + @($typed)
  foreach ($line in & $words[0] __complete @rest 2>$null) {
    if ($line -eq '${FILES_MARK}') { return }
    $value, $help = $line -split "\`t", 2
    if (-not $help) { $help = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
  }
}
`

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
}
