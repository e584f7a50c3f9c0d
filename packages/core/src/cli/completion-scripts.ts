/**
 * A script for each shell. They know nothing of the commands: they ask `mlmcp __complete`, so that
 * what plugins and a configuration add is there too. Where it answers nothing, files are offered.
 */
export const scripts = {
  bash: String.raw`# Completion of mlmcp for bash.
_mlmcp() {
  local line="\${COMP_LINE:0:COMP_POINT}" candidate description
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  # The last word as it is meant, which quote in it is open, and what stands before that.
  local rest="\${words[\${#words[@]} - 1]}" typed="" quote="" before="" char
  while [[ -n $rest ]]; do
    char="\${rest:0:1}" rest="\${rest:1}"
    if [[ $char == \\ && $quote != "'" ]]; then typed+="\${rest:0:1}" rest="\${rest:1}"
    elif [[ -z $quote && ( $char == "'" || $char == '"' ) ]]; then quote="$char" before="$typed"
    elif [[ $char == "$quote" ]]; then quote="" before=""
    else typed+="$char"
    fi
  done
  if [[ -z $quote ]]; then
    # Bash replaces only what follows the last of its breaking characters, with an @ included.
    local breaks="[\${COMP_WORDBREAKS//[^@=:]/}]"
    before="\${typed%"\${typed##*$breaks}"}"
    before="\${before%@}"
  fi
  words[\${#words[@]} - 1]="$typed"
  COMPREPLY=()
  while IFS=$'\t' read -r candidate description; do
    candidate="\${candidate#"$before"}"
    case $quote in
      "'") candidate="\${candidate//"'"/"'\\''"}" ;;
      '"')
        candidate="\${candidate//\\/\\\\}"
        candidate="\${candidate//\"/\\\"}"
        candidate="\${candidate//\$/\\\$}"
        candidate="\${candidate//\`/\\\`}"
        # Bash takes the escaped quote at an end for the closing one.
        candidate+='"'
        ;;
      *) printf -v candidate '%q' "$candidate" ;;
    esac
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
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  for line in $lines; do
    [[ -n $line ]] && described+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}")
  done
  if (( $#described )); then
    # They fit already, if not letter by letter: a quote may have been left out.
    _describe -t commands mlmcp described -U
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
    # As it is meant, without its quotes; one that is open is not taken for an error.
    set current (string unescape -- $current 2>/dev/null; or string trim -l -c '\'"' -- $current)
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
