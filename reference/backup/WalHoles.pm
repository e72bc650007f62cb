# Whether archived WAL has a hole, by the segments' names: pgBackRest's own `verify` does not miss one that is gone.
# `there` is {timeline}{number} of what is stored; `begins` by timeline [its parent, the number of the segment on it in which
# it was left].
package WalHoles;
use strict;
use warnings;
use List::Util qw(max min);
use Exporter 'import';
our @EXPORT_OK = qw(segment begun missing on_the_way);

# Segments of 16 MiB, as initdb makes them.
use constant {PER_LOG => 0x100, BYTES => 16 * 1024 * 1024};

# Timeline and number of a segment's name, as 24 digits or as pgBackRest stores it; nothing for any other file.
sub segment {
    my ($name) = @_;
    return $name =~ /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:-[0-9a-f]{40}|\z)/ ? (hex $1, hex($2) * PER_LOG + hex $3) : ();
}

sub name {
    my ($timeline, $number) = @_;
    return sprintf '%08X%08X%08X', $timeline, int($number / PER_LOG), $number % PER_LOG;
}

# Where a timeline left its parent: the last line of its history file.
sub begun {
    my ($history) = @_;
    my ($parent, $high, $low) = ($history =~ /^\s*(\d+)\s+([0-9A-F]+)\/([0-9A-F]+)\s/mg)[-3 .. -1];
    return defined $low ? [$parent + 0, int((hex($high) * 2**32 + hex $low) / BYTES)] : undef;
}

# Names of what is not there of an unbroken archive: on each timeline from what the oldest backup on it needs first (`needed`),
# or from where it began, to its newest segment, and on a parent up to where the timeline left it.
sub missing {
    my ($there, $needed, $begins) = @_;
    my (%first, @holes);
    for (@$needed) {
        my ($timeline, $number) = segment($_) or next;
        $first{$timeline} = min $number, $first{$timeline} // $number;
    }
    my $oldest = min keys %first;
    for my $timeline (sort { $a <=> $b } keys %{{%$there, %first}}) {
        my @stored = keys %{$there->{$timeline} // {}};
        my $from = $first{$timeline};
        $from //= $begins->{$timeline} ? $begins->{$timeline}[1] : min @stored if defined $oldest && $oldest < $timeline;
        next unless defined $from;    # what is older than every backup nobody needs
        # The segment in which a timeline is left is archived on the child, or on both.
        my @left = map { $_->[1] - 1 } grep { $_->[0] == $timeline } values %$begins;
        push @holes, _absent($there, $timeline, $from, max @stored, @left, $from);
    }
    return @holes;
}

# Names of what is not there on the way from a segment to the newest one: only what a restore to the end would replay.
sub on_the_way {
    my ($there, $from, $begins) = @_;
    my ($first, $number) = segment($from) or return;
    my $timeline = max keys %$there;
    my ($last, @holes) = (max keys %{$there->{$timeline} // {}});
    while (defined $last && $timeline >= $first) {
        my $begin = $timeline == $first ? undef : $begins->{$timeline};
        my $lower = $begin ? max $begin->[1], $number : $timeline == $first ? $number : $last;
        unshift @holes, _absent($there, $timeline, $lower, $last);
        last unless $begin;
        ($timeline, $last) = ($begin->[0], $begin->[1] - 1);
    }
    return @holes;
}

sub _absent {
    my ($there, $timeline, $from, $to) = @_;
    return map { name($timeline, $_) } grep { !$there->{$timeline}{$_} } $from .. $to;
}

1;
