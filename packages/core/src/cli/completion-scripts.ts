/**
 * A script for each shell. They know nothing of the commands: they ask `mlmcp __complete`, so that
 * what plugins and a configuration add is there too. Where it answers nothing, files are offered.
 */
export const scripts = {
  bash: String.raw`# Completion of mlmcp for bash.
_mlmcp() {
  local line="\${COMP_LINE:0:COMP_POINT}" current candidate description
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current="\${words[\${#words[@]} - 1]}"
  # Bash replaces only what follows the last of its breaking characters, with an @ included.
  local breaks="[\${COMP_WORDBREAKS//[^@=:]/}]"
  local before="\${current%"\${current##*$breaks}"}"
  before="\${before%@}"
  COMPREPLY=()
  while IFS=$'\t' read -r candidate description; do
    printf -v candidate '%q' "\${candidate#"$before"}"
    COMPREPLY+=("$candidate")
  done < <("$1" __complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _mlmcp mlmcp
`.replaceAll("\\${", "${"),

  zsh: String.raw`#compdef mlmcp
# Completion of mlmcp for zsh.
_mlmcp() {
  local -a lines described
  local line
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  for line in $lines; do
    [[ -n $line ]] && described+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}")
  done
  if (( $#described )); then
    _describe -t commands mlmcp described
  else
    _files
  fi
}
if [[ "$funcstack[1]" == _mlmcp ]]; then
  _mlmcp "$@"
else
  compdef _mlmcp mlmcp
fi
`.replaceAll("\\${", "${"),

  fish: String.raw`# Completion of mlmcp for fish.
function __mlmcp_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l candidates ($before[1] __complete -- $before[2..-1] "$current" 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        __fish_complete_path "$current"
    end
end
complete -c mlmcp -f -a '(__mlmcp_complete)'
`,
} as const;
