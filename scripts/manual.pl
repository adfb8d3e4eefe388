#!/usr/bin/perl
# Writes the man pages, from what orch itself says of its commands: scripts/manual.pl ORCH FOLDER
# One page for orch, and one for each command with the commands below it.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use JSON::PP;
use POSIX qw(strftime);

binmode STDOUT, ':utf8';
my ($orch, $folder) = @ARGV;
defined $folder or die "usage: manual.pl ORCH FOLDER\n";
my $here = dirname(__FILE__);
my $root = decode_json(said($orch, '--experimental-dump-help'))->{command};
my $version = decode_json(said($orch, '--version', '--json'))->{version};
chomp(my $moment = said("$here/moment.sh"));
my $date = strftime('%Y-%m-%d', gmtime $moment);

make_path($folder);
my @commands = grep { $_->{shouldDisplay} && $_->{commandName} ne 'help' } @{ $root->{subcommands} };
page('orch', $root, overview());
page("orch-$_->{commandName}", $_, of_command($_)) for @commands;
page('orch-runner', { abstract => 'Owns one run of orch, and outlives the daemon.' }, of_runner());

sub said {
    open my $pipe, '-|', @_ or die "manual: cannot run $_[0]: $!\n";
    local $/;
    my $text = <$pipe>;
    close $pipe or die "manual: $_[0] failed\n";
    return $text;
}

sub page {
    my ($name, $command, $body) = @_;
    my $summary = text(lcfirst $command->{abstract});
    $summary =~ s/\.$//;
    $summary = 'a hundred agents, one green main, nothing lost' if $name eq 'orch';
    open my $file, '>:utf8', "$folder/$name.1" or die "manual: cannot write $folder/$name.1: $!\n";
    print $file qq{.TH "\U$name\E" 1 "$date" "orch $version" "User Commands"\n};
    print $file ".SH NAME\n" . literal($name) . " \\- $summary\n$body";
    close $file or die "manual: cannot write $folder/$name.1: $!\n";
}

# What a page of one command says.
sub of_command {
    my ($command) = @_;
    my @below = grep { $_->{shouldDisplay} } @{ $command->{subcommands} // [] };
    @below = () if @below == 1 && $below[0]{commandName} eq 'help';
    my @shown = @below ? (grep { $_->{commandName} ne 'help' } @below) : ($command);
    my $page = ".SH SYNOPSIS\n" . join(".br\n", map { synopsis($_) } @shown);
    $page .= ".SH DESCRIPTION\n" . paragraphs($command) if !@below;
    for my $shown (@below ? @shown : ()) {
        $page .= qq{.SH "\U$shown->{commandName}\E"\n} . paragraphs($shown) . arguments(own($shown));
    }
    $page .= ".SH OPTIONS\n" . arguments(own($command)) if !@below && own($command);
    $page .= ".SH OPTIONS OF EVERY COMMAND\n" . arguments(common($shown[0]));
    return $page . exit_status() . ".SH SEE ALSO\n.BR orch (1)\n";
}

my %is_common;
BEGIN { %is_common = map { $_ => 1 } qw(json state-dir socket config version help) }

sub long_name { return $_[0]{preferredName} ? $_[0]{preferredName}{name} : '' }
sub displayed { return grep { $_->{shouldDisplay} } @{ $_[0]{arguments} // [] } }
sub common { return grep { $is_common{ long_name($_) } } displayed($_[0]) }
sub own { return grep { !$is_common{ long_name($_) } } displayed($_[0]) }

sub synopsis {
    my ($command) = @_;
    my $line = '.B ' . literal(join ' ', @{ $command->{superCommands} // [] }, $command->{commandName}) . "\n";
    for my $argument (own($command)) {
        my $shown = named($argument);
        $shown .= '...' if $argument->{isRepeating};
        $shown = "[$shown]" if $argument->{isOptional};
        $line .= "$shown\n";
    }
    return "$line\[\\fIoption\\fR...]\n";
}

# An argument as it is written: --lock <pattern>, or <ticket>.
sub named {
    my ($argument) = @_;
    my $value = '\fI' . escaped($argument->{valueName} // '') . '\fR';
    return $value if $argument->{kind} eq 'positional';
    my @names = map { '\fB' . literal(($_->{kind} eq 'long' ? '--' : '-') . $_->{name}) . '\fR' } @{ $argument->{names} };
    my $names = join ', ', @names;
    return $argument->{kind} eq 'flag' ? $names : "$names $value";
}

sub arguments {
    my $list = '';
    for my $argument (@_) {
        my $about = text($argument->{abstract} // '');
        my $default = $argument->{defaultValue};
        $about .= ' By default ' . text($default) . '.' if defined $default && $about !~ /default/i;
        $list .= ".TP\n" . named($argument) . "\n" . ($about eq '' ? "\\&\n" : "$about\n");
    }
    return $list;
}

sub paragraphs {
    my ($command) = @_;
    my @all = ($command->{abstract} // '', split /\n\n+/, $command->{discussion} // '');
    return join ".PP\n", map { text($_) . "\n" } grep { $_ ne '' } @all;
}

sub escaped {
    my ($text) = @_;
    $text =~ s/\\/\\e/g;
    $text =~ s/-/\\-/g if $text =~ /^-|--/;
    $text =~ s/\n/ /g;
    $text =~ s/'/\\(aq/g;
    return $text;
}

sub literal { my ($text) = @_; $text =~ s/\\/\\e/g; $text =~ s/-/\\-/g; return $text }

# Words for a reader; what stands between backquotes is to be typed.
sub text {
    my ($text) = @_;
    my @parts = split /`([^`]*)`/, $text;
    for my $at (0 .. $#parts) { $parts[$at] = $at % 2 ? '\fB' . literal($parts[$at]) . '\fR' : escaped($parts[$at]) }
    my $result = join '', @parts;
    $result =~ s/^(?=[.\x27])/\\&/mg;
    return $result;
}

sub of_runner {
    return <<'END';
.SH SYNOPSIS
.B orch\-runner
.I folder
.SH DESCRIPTION
The daemon starts one for each run: it starts the run's program, keeps what that prints, ends it when it is told to or its
time is over, kills whatever is left of it, and writes down how it ended.
Nobody else has to start it.
It lies beside
.BR orch ,
which looks for it there.
.SH SEE ALSO
.BR orch\-daemon (1)
END
}

sub exit_status {
    my @meanings =
        ('Done.', 'Failed.', 'The command line is wrong.', 'No daemon is running.', 'Not found.', 'Refused in this state.');
    my $list = join '', map { ".TP\n.B $_\n$meanings[$_]\n" } 0 .. $#meanings;
    return ".SH EXIT STATUS\n$list.PP\nWith several tickets the worst of them.\n";
}

sub overview {
    my $list = '';
    for my $command (@commands) {
        $list .= ".TP\n.BR orch\\-" . literal($command->{commandName}) . " (1)\n" . text($command->{abstract}) . "\n";
    }
    return <<'END' . paragraphs({ discussion => $root->{discussion} }) . ".SH COMMANDS\n$list" . options() . exit_status() . <<'END';
.SH SYNOPSIS
.B orch
.I command
.RI [ argument ...]
.br
.B orch \-\-version
.RB [ \-\-json ]
.SH DESCRIPTION
END
.SH ENVIRONMENT
.TP
.B ORCH_STATE_DIR
Where the daemon keeps its state, as
.BR \-\-state\-dir .
.TP
.B ORCH_SOCKET
The daemon's socket, as
.BR \-\-socket .
.TP
.B ORCH_CONFIG
Your configuration, as
.BR \-\-config .
.TP
.BI ORCH_ NAME
One of its settings:
.B orch config show
says which there are and what holds.
.TP
.B NO_COLOR
If it is not empty: no colours.
.SH FILES
.TP
.I ~/.config/orch/config.json
Your configuration.
.TP
.I .orch/config.json
What a repository asks for, read from its target branch.
.TP
.I ~/.local/state/orch
The state: the store, worktrees, the folders of runs, the trash.
.TP
.I $XDG_RUNTIME_DIR/orch/orch.sock
The socket; without XDG_RUNTIME_DIR it is in the state.
.SH SEE ALSO
.BR git (1),
.BR systemctl (1)
END
}

sub options { return ".SH OPTIONS OF EVERY COMMAND\n" . arguments(common($commands[0])) }
