"""The manual pages and completions that are made of the option tables while building."""

import re
import subprocess

import pytest

from support.programs import BUILD, MODELS, program

PROGRAMS = [(side, model) for side in ('server', 'client') for model in MODELS]
SECTIONS = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'SIGNALS', 'ENVIRONMENT', 'FILES',
            'EXIT STATUS', 'EXAMPLES', 'SEE ALSO']

programs = pytest.mark.parametrize('side, model', PROGRAMS,
                                   ids=[f'cristo-{model}-{side}' for side, model in PROGRAMS])


def output_of(*command, **how):
    """What a command that must succeed prints; it must not complain."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=60, check=False, **how)
    assert done.returncode == 0 and done.stderr == '', done
    return done.stdout


def page_of(side, model):
    return BUILD / side / f'cristo-{model}-{side}.1'


def rendered(side, model):
    """The page as plain text: no overstriking, no breaking of words, one line to a paragraph."""
    return output_of('groff', '-man', '-ww', '-Tutf8', '-P-cbou', '-rLL=2000n', '-rHY=0',
                     page_of(side, model))


def words(text):
    """The text as it is, but for how it is spaced and how its sentences begin and end."""
    return re.sub(r'[\s.]+', ' ', text).strip().casefold()


def options_of(side, model):
    """Heading, names and text of every option in --help."""
    found, heading = [], None
    for line in output_of(program(side, model), '--help').split('\n\n', 2)[2].splitlines():
        if re.fullmatch(r'\S.*:', line):
            heading = line[:-1]
        elif option := re.match(r'  (-.,|   ) (--\S+( \S+( V\'|)|))(?:  +(.*)|$)', line):
            names = f'{option[1].strip()} {option[2]}'.strip()
            found.append([heading, names, option[5] or ''])
        elif line:
            found[-1][2] += ' ' + line.strip()
    return found


@programs
def test_page_renders_without_a_warning(side, model):
    text = rendered(side, model)
    assert re.findall(r'^[A-Z][A-Z ]+$', text, re.MULTILINE) == SECTIONS


@programs
def test_page_is_portable_roff(side, model):
    """Read by another formatter, and by its critic."""
    assert output_of('mandoc', '-Tlint', '-W', 'warning', page_of(side, model)) == ''


@programs
def test_page_renders_in_80_columns(side, model):
    text = output_of('groff', '-man', '-ww', '-Tutf8', '-P-cbou', '-rLL=80n', page_of(side, model))
    assert max(map(len, text.splitlines())) <= 80


@programs
def test_page_can_be_found_by_its_name(side, model):
    """What mandb(8) reads for apropos(1)."""
    assert f'"cristo-{model}-{side} - ' in output_of('lexgrog', page_of(side, model))


@programs
def test_page_has_every_option_of_help(side, model):
    text = rendered(side, model)
    options = text[text.index('\nOPTIONS\n'):text.index('\nSIGNALS\n')]
    listed = options_of(side, model)
    assert len(listed) > 10
    for heading, names, help_text in listed:
        assert f'\n   {heading}\n' in options
        assert words(f'{names} {help_text}') in words(options), names
    assert len(re.findall(r'^       (?:-., )?--', options, re.MULTILINE)) == len(listed)


@programs
def test_page_names_the_default_that_help_names(side, model):
    text = words(rendered(side, model))
    defaults = re.findall(r'Default[ :].*', ' \n'.join(option[2] for option in
                                                       options_of(side, model)))
    assert defaults
    for default in defaults:
        assert words(default) in text


@programs
def test_options_can_be_copied_from_the_page(side, model):
    """A hyphen of typography (U+2010) or a curly quote would not be an option's any more."""
    text = rendered(side, model)
    assert not set('\u2010\u2011\u2212\u2018\u2019\u201c\u201d') & set(text)
    assert not re.search(r'\\[([f]', text)  # an escape that was none


@programs
def test_page_says_only_what_is_the_programs_own(side, model):
    text = rendered(side, model)
    other = 'async' if model == 'sync' else 'sync'
    sisters = {option[1] for option in options_of(side, other)} - \
        {option[1] for option in options_of(side, model)}
    for names in sisters:
        name = re.search(r'--\S+', names)[0]
        assert not re.search(rf'(?<!\S){name}(?!\S)', text), name


# --- completion ----------------------------------------------------------------------------------

COMPLETE = r'''
shopt -s extglob
. "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
specification=$(complete -p "$2") || exit 1
[[ $specification =~ -F\ ([^ ]+) ]] || exit 1
"${BASH_REMATCH[1]}"
printf '%s\n' "${COMPREPLY[@]}"
'''


def completions(side, model, *line, **how):
    name = f'cristo-{model}-{side}'
    return output_of('bash', '-c', COMPLETE, 'bash', BUILD / side / f'{name}.bash', name, *line,
                     **how).split('\n')[:-1]


@programs
def test_every_option_is_completed(side, model):
    names = [re.search(r'--\S+', option[1])[0] for option in options_of(side, model)]
    assert completions(side, model, '--') == names
    assert completions(side, model, '--he') == [name for name in names if name.startswith('--he')]


def test_what_an_option_takes_is_not_guessed(tmp_path):
    (tmp_path / 'file').touch()
    for word in ('-l', '--listen', '--idle-timeout'):
        assert completions('server', 'async', word, '', cwd=tmp_path) == ['']


def test_files_and_folders_are_completed_where_they_are_taken(tmp_path):
    (tmp_path / 'two words').mkdir()
    (tmp_path / 'twofold').touch()
    assert completions('server', 'sync', 'tw', cwd=tmp_path) == ['two words']
    assert completions('client', 'sync', 'tw', cwd=tmp_path) == ['']
    assert sorted(completions('client', 'sync', '--urls', 'tw', cwd=tmp_path)) == \
        ['two words', 'twofold']
