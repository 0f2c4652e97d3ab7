"""The completion script for PowerShell (5.1 and later)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2cli.cli.completion import Shape

_FRAME = r"""# PowerShell completion for l2cli; made by: python -m l2cli.cli.completion completions
# Use it with: . completions/l2cli.ps1

Register-ArgumentCompleter -Native -CommandName l2cli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = [ordered]@{
@COMMANDS@
    }
    # Each option: its names, the kind of its value, the words to choose from, what it does.
    $options = @{
@OPTIONS@
    }

    # The text of a word without its quotes; nothing in it is evaluated.
    $plain = {
        param($element)
        if ($element -is [Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
        else { $element.Extent.Text }
    }
    # A word that PowerShell reads as this text.
    $quoted = {
        param($text)
        if ($text -cmatch '^[A-Za-z0-9_.][A-Za-z0-9_./-]*$') { return $text }
        $inner = [Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text)
        "'$inner'"
    }
    $result = {
        param($text, $shown, $type, $about)
        [System.Management.Automation.CompletionResult]::new($text, $shown, $type, $about)
    }

    $typed = $wordToComplete.TrimStart("'", '"')
    $elements = $commandAst.CommandElements | Select-Object -Skip 1
    $elements = @($elements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition })
    $line = @($elements | ForEach-Object { & $plain $_ })
    if ($line.Count -eq 0) {
        $commands.GetEnumerator() | Where-Object { $_.Key.StartsWith($typed, [StringComparison]::Ordinal) } |
            ForEach-Object { & $result $_.Key $_.Key 'ParameterValue' $_.Value }
        return
    }
    $known = $options[$line[0]]
    if ($null -eq $known) { return }
    $last = $line[-1]
    $option = $known | Where-Object { $_.Kind -ne 'flag' -and $_.Names -ccontains $last }
    $option = $option | Select-Object -First 1
    if ($null -ne $option -and $line.Count -gt 1) {
        if ($option.Kind -eq 'words') {
            $option.Words | Where-Object { $_.StartsWith($typed, [StringComparison]::Ordinal) } |
                ForEach-Object { & $result $_ $_ 'ParameterValue' $_ }
        } elseif (@('column', 'columns', 'pair', 'pairs') -contains $option.Kind) {
            $flags = @('--line')
            $before = ''
            $ending = ''
            if (@('columns', 'pairs') -contains $option.Kind) {
                $flags += '--list'
                if ($typed -match '^.*[^\\],') { $before = $Matches[0] }
            }
            if (@('pair', 'pairs') -contains $option.Kind) { $ending = '=' }
            $rest = $typed.Substring($before.Length)
            & l2cli __columns $flags $line 2>$null |
                Where-Object { $_.StartsWith($rest, [StringComparison]::Ordinal) } |
                ForEach-Object { & $result (& $quoted ($before + $_ + $ending)) $_ 'ParameterValue' $_ }
        }
        return
    }
    if ($typed.StartsWith('-')) {
        $known | ForEach-Object {
            $about = $_.About
            $_.Names | Where-Object { $_.StartsWith($typed, [StringComparison]::Ordinal) } |
                ForEach-Object { & $result $_ $_ 'ParameterName' $about }
        }
    }
}
"""


def script(shapes: Sequence[Shape]) -> str:
    """Return the script."""
    commands = "\n".join(f"        {_single(shape.name)} = {_single(shape.summary)}" for shape in shapes)
    options = "\n".join(_options(shape) for shape in shapes)
    return _FRAME.replace("@COMMANDS@", commands).replace("@OPTIONS@", options)


def _options(shape: Shape) -> str:
    """Return the table of the options of a command."""
    rows = [
        f"            @{{ Names = {_array(option.names)}; Kind = '{option.kind}'; "
        f"Words = {_array(option.words)}; About = {_single(option.summary)} }}"
        for option in shape.options
    ]
    return f"        {_single(shape.name)} = @(\n" + "\n".join(rows) + "\n        )"


def _array(words: Sequence[str]) -> str:
    return "@(" + ", ".join(map(_single, words)) + ")"


def _single(text: str) -> str:
    """Return the text in single quotes."""
    return "'" + text.replace("'", "''") + "'"
